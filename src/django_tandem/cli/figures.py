"""Figures in few characters, for columns of a terminal."""


def rate(number: float) -> str:
    """Return a number per second in at most five characters."""
    if number < 0.05:
        return "0" if number < 0.005 else f"{number:.2f}"
    if number < 99.95:
        return f"{number:.1f}"
    return f"{number:.0f}" if number < 9999.5 else f"{number / 1000:.0f}k"


def count(number: int) -> str:
    """Return a number in at most four characters."""
    return str(number) if number < 10_000 else f"{number // 1000}k"


def percent(share: float | None) -> str:
    """Return a share of 1 in percent."""
    return "" if share is None else f"{100 * share:.0f} %"


def seconds(number: float | None) -> str:
    """Return a time in at most six characters."""
    if number is None:
        return ""
    if number < 0.9995:
        ms = 1000 * number
        return f"{ms:.1f} ms" if ms < 9.95 else f"{ms:.0f} ms"
    if number < 99.95:
        return f"{number:.1f} s"
    return f"{number / 60:.0f} m" if number < 5970 else f"{number / 3600:.0f} h"


def printable(text: str) -> str:
    """Return the text without the control characters that a terminal would obey."""
    return "".join(each if each.isprintable() else "�" for each in text)
