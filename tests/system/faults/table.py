"""The table, one line per fault."""

from faults.row import Row

HEADER = ("fault", "sent", "failed", "sockets", "closed", "spread", "recovery", "verdict")
WIDTHS = (32, 7, 7, 8, 22, 7, 9, 12)


def cells(name: str, row: Row) -> tuple[str, ...]:
    """Return what stands in the row's line."""
    closed = " ".join(f"{code}:{times}" for code, times in sorted(row.closes.items()))
    return (
        name,
        str(row.sent),
        str(sum(row.failed.values())),
        str(row.sockets),
        closed or "none",
        "" if row.spread is None else f"{row.spread:.0%}",
        "" if row.recovery_s is None else f"{row.recovery_s:.1f} s",
        "FALLS SHORT" if row.short else "ok",
    )


def line(values: tuple[str, ...]) -> str:
    """Set the cells in columns."""
    columns = zip(values, WIDTHS, strict=True)
    return "  ".join(value.ljust(width) for value, width in columns).rstrip()
