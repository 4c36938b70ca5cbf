"""Quantifiers in PCRE's words, within PCRE's bounds."""

from django_tandem.project.regex.said import FAR, Said, UnsayableError

# PCRE's own bounds: of a counted repeat, and (with room to spare) of the compiled pattern.
_MOST_REPEATS = 65535
_LARGEST = 6000


def quantified(inner: Said, least: int, most: int, suffix: str) -> Said:
    """
    Return the PCRE for ``least`` to ``most`` times ``inner``; FAR stands for no end.

    Raise UnsayableError for more than PCRE takes.
    """
    if least == most == 1 and not suffix:
        return inner
    if least > _MOST_REPEATS or _MOST_REPEATS < most < FAR:
        raise UnsayableError(f"a repeat of more than {_MOST_REPEATS}")
    atom = inner.text if inner.is_atom else f"(?:{inner.text})"
    # Only a group is compiled once for each round; a single character is counted.
    copies = 1 if (inner.lo, inner.hi) == (1, 1) else max(least, 1 if most == FAR else most)
    if inner.size * copies > _LARGEST:
        raise UnsayableError("a repeat that compiles to too much")
    return Said(
        text=f"{atom}{_quantifier(least, most)}{suffix}",
        lo=min(FAR, inner.lo * least),
        hi=min(FAR, inner.hi * most),
        lead=inner.lead if least else "",
        size=inner.size * copies + 10,
        opened=inner.opened,
    )


def _quantifier(least: int, most: int) -> str:
    short = {(0, 1): "?", (0, FAR): "*", (1, FAR): "+"}.get((least, most))
    if short:
        return short
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most == FAR else most}}}"
