"""Comparisons → a report: how many responses differed, in what, and an example of each."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote

from django_tandem.mirror.bodies import shortened
from django_tandem.mirror.comparison import Difference, DifferenceKind

# Of kinds with an example; further ones count in the totals.
MOST_FINDINGS = 50
# A kind in which the home stack differs from itself must differ so many standard deviations more
# often from the other one: of values that are random on both, one in a hundred does.
NOISE_DEVIATIONS = 2.33

# The part of two responses that differs, and its name.
Kind = tuple[DifferenceKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One kind of difference: in ``count`` comparisons, of which ``example`` is the first.

    ``target`` is the request of the example, without the values of its query.
    """

    count: int
    target: str
    example: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorReport:
    """
    What a mirror has compared so far.

    Of the ``compared`` requests, ``differing`` got responses that differ, and ``unstable`` two
    that differ as well when the home stack serves both, or of a kind that does as often.
    ``failed`` got no response of one stack, ``dropped`` were not compared, as others were or the
    mirror ended. ``findings`` has the most frequent kind first.
    """

    compared: int = 0
    differing: int = 0
    unstable: int = 0
    failed: int = 0
    dropped: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def equal(self) -> int:
        """How many got the same response of both stacks."""
        return self.compared - self.differing - self.unstable

    def as_json(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def report_from_json(kept: dict[str, Any]) -> MirrorReport:
    """Return the report whose JSON is ``kept``; raises KeyError, TypeError or ValueError."""
    findings = tuple(
        Finding(**{**each, "example": _difference(each["example"])}) for each in kept["findings"]
    )
    return MirrorReport(**{**kept, "findings": findings})


def _difference(kept: dict[str, Any]) -> Difference:
    kind, excerpt = DifferenceKind(kept["kind"]), tuple(kept["excerpt"])
    return Difference(**{**kept, "kind": kind, "excerpt": excerpt})


@dataclass(slots=True)
class Findings:
    """The comparisons of a running mirror."""

    totals: MirrorReport = field(default_factory=MirrorReport)
    _by_kind: dict[Kind, Finding] = field(default_factory=dict)
    # Comparisons by the kinds that differed on the home stack too, and by the set that did not.
    _unstable: Counter[Kind] = field(default_factory=Counter)
    _differing: Counter[frozenset[Kind]] = field(default_factory=Counter)

    def add(
        self, target: str, differences: Iterable[Difference], unstable: Iterable[Difference] = ()
    ) -> None:
        """
        Add one comparison.

        ``unstable`` are the differences of two responses of the home stack to that request: what
        differs there is not a difference between the stacks.
        """
        own = set(map(_kind, unstable))
        differences = tuple(differences)
        real = [each for each in differences if _kind(each) not in own]
        self._unstable.update(own.intersection(map(_kind, differences)))
        if real:
            self._differing[frozenset(map(_kind, real))] += 1
        totals = self.totals
        self.totals = replace(
            totals,
            compared=totals.compared + 1,
            differing=totals.differing + bool(real),
            unstable=totals.unstable + bool(differences and not real),
        )
        for each in real:
            self._count(target, each)

    def add_failed(self) -> None:
        """Count a request that got no response of one stack."""
        self.totals = replace(self.totals, failed=self.totals.failed + 1)

    def add_dropped(self) -> None:
        """Count a request that was not compared."""
        self.totals = replace(self.totals, dropped=self.totals.dropped + 1)

    def report(self) -> MirrorReport:
        """Return the report of what was added so far, without what is random on both stacks."""
        # Copies, as another thread may add one meanwhile.
        totals, found, sets = self.totals, self._by_kind.copy(), self._differing.copy()
        noise = {kind for kind, each in found.items() if is_noise(each.count, self._unstable[kind])}
        differing = sum(count for kinds, count in sets.items() if kinds - noise)
        shown = (each for kind, each in found.items() if kind not in noise)
        return replace(
            totals,
            differing=differing,
            unstable=totals.unstable + totals.differing - differing,
            findings=tuple(sorted(shown, key=lambda each: each.count, reverse=True)),
        )

    def _count(self, target: str, difference: Difference) -> None:
        key = _kind(difference)
        known = self._by_kind.get(key)
        if known is not None:
            self._by_kind[key] = replace(known, count=known.count + 1)
        elif len(self._by_kind) < MOST_FINDINGS:
            self._by_kind[key] = Finding(
                count=1, target=redacted_target(target), example=without_secrets(difference)
            )


def _kind(difference: Difference) -> Kind:
    return difference.kind, difference.name


def is_noise(differing: int, unstable: int) -> bool:
    """
    Return whether a kind that differed so often between the stacks is random on both.

    Of two values, a random one differs as often between the stacks alone as on the home stack too;
    of more, it does less often.
    """
    spread = math.sqrt(differing + unstable)
    return unstable > 0 and differing - unstable < NOISE_DEVIATIONS * spread


def without_secrets(difference: Difference) -> Difference:
    """Return a difference as it may be written to disk."""
    return replace(
        difference,
        home=redacted_value(difference.name, difference.home),
        other=redacted_value(difference.name, difference.other),
        excerpt=tuple(map(redacted, difference.excerpt)),
    )


ELLIPSIS = "…"
_NAMES = (
    r"(?:pass(?:word|wd)?|secret|token|credential|api[_-]?key|auth\w*|csrf\w*|session\w*|cookie)"
)
# Each repetition ends at a character that it can't match, from a word's first character on: the
# time is in proportion to the length of a text, which a client may have chosen.
_LABEL = re.compile(r"""(?<![\w-])(?P<name>[\w-]+)["']?\s*[:=]\s*""")
_VALUE = re.compile(r""""[^"]*"|'[^']*'|[^\s"'<>&,;}\]]+""")
# The field of a form, or an object: one of these names what another has the value of.
_FIELD = re.compile(
    rf"""(?<![\w-])(?:name|id|type|property|key)["']?\s*[:=]\s*["']?[\w.-]*?{_NAMES}""",
    re.IGNORECASE,
)
_FIELD_VALUES = frozenset({"value", "content"})
_BETWEEN_BRACKETS = re.compile(r"[^<>]+")
# Letters with digits among them, too long for a word: keys, session ids, JSON Web Tokens.
_TOKEN = re.compile(r"(?<![\w.=+-])(?=[\w.=+-]*[0-9])(?=[\w.=+-]*[A-Za-z])[\w.=+-]{24,}")
_NAME = re.compile(_NAMES, re.IGNORECASE)


def redacted(text: str) -> str:
    """Return ``text`` without the values that look like secrets."""
    parts, end = [], 0
    for begin, value_end in _secret_values(text):
        parts += [text[end:begin], ELLIPSIS]
        end = value_end
    return _TOKEN.sub(ELLIPSIS, "".join((*parts, text[end:])))


def _secret_values(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the values begin and end that have the name of a secret."""
    end = 0
    for part in _BETWEEN_BRACKETS.finditer(text):
        is_field = _FIELD.search(part[0])
        for label in _LABEL.finditer(text, part.start(), part.end()):
            is_value = is_field and label["name"].lower() in _FIELD_VALUES
            # The value of one may have the name of the next.
            if label.start() < end or not (is_value or _NAME.search(label["name"])):
                continue
            value = _VALUE.match(text, label.end())
            if value:
                end = value.end()
                yield value.span()


def redacted_value(name: str, text: str) -> str:
    """Return the ``text`` of a value called ``name``, which may name a secret itself."""
    return ELLIPSIS if _NAME.search(name) else redacted(text)


def redacted_target(target: str) -> str:
    """Return a request target with the names of its query, and without their values."""
    path, mark, query = target.partition("?")
    if not mark:
        return shortened(redacted(path))
    names = dict.fromkeys(name for name, _ in parse_qsl(query, keep_blank_values=True))
    shown = "&".join(f"{redacted(quote(name))}={ELLIPSIS}" for name in names)
    return f"{shortened(redacted(path))}?{shortened(shown)}"
