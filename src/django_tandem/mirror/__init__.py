"""
Compare the responses of both stacks to one request: `tandem shift --mirror`.

`server` gets a copy of each request from the edge, and `exchange` sends it to each stack. The rest
is pure: `comparison` compares two responses, `bodies` their bodies, `ignoring` has what is left
out, and `findings` adds the differences up to a report, with examples without secrets.
"""

from django_tandem.mirror.comparison import Difference, DifferenceKind, compare
from django_tandem.mirror.exchange import MirroredResponse
from django_tandem.mirror.findings import Findings, MirrorReport
from django_tandem.mirror.ignoring import Ignored, parse_ignored

__all__ = [
    "Difference",
    "DifferenceKind",
    "Findings",
    "Ignored",
    "MirrorReport",
    "MirroredResponse",
    "compare",
    "parse_ignored",
]
