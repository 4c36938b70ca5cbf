"""Breakages of the mirror: its pace, its copies, the comparison and the report."""

from breakage.mutant import Mutant

SERVER = "tests/unit/mirror/test_server.py"
EXCHANGE = "tests/unit/mirror/test_exchange.py"
COMPARISON = "tests/unit/mirror/test_comparison.py"
BODIES = "tests/unit/mirror/test_bodies.py"
FINDINGS = "tests/unit/mirror/test_findings.py"
IGNORING = "tests/unit/mirror/test_ignoring.py"

MUTANTS = (
    Mutant(
        name="a slow view gets the copies without a pause",
        file="mirror/server.py",
        old="ended + (ended - began)",
        new="ended",
        tests=(SERVER,),
    ),
    Mutant(
        name="several comparisons at a time",
        file="mirror/server.py",
        old="return is_free and ",
        new="return ",
        tests=(SERVER,),
    ),
    Mutant(
        name="an end that waits for a stack that hangs",
        file="mirror/server.py",
        old="            self._connections.close()\n            await",
        new="            await",
        tests=(SERVER,),
    ),
    Mutant(
        name="a comparison that fails ends the mirror",
        file="mirror/server.py",
        old="            self._findings.add_dropped()\n            raise\n",
        new="            raise SystemExit\n",
        tests=(SERVER,),
    ),
    Mutant(
        name="a random part taken for a difference",
        file="mirror/server.py",
        old="await self._unstable(request, home) if differences else ()",
        new="()",
        tests=(SERVER,),
    ),
    Mutant(
        name="copies from any user",
        file="mirror/server.py",
        old="SOCKET_MODE = 0o600",
        new="SOCKET_MODE = 0o666",
        tests=(SERVER,),
    ),
    Mutant(
        name="the socket of a killed mirror in the way",
        file="mirror/server.py",
        old="    path.unlink(missing_ok=True)\n    with",
        new="    with",
        tests=(SERVER,),
    ),
    Mutant(
        name="a closed exchange that is sent again",
        file="mirror/exchange.py",
        old="                if self.is_closed:\n",
        new="                if False:\n",
        tests=(EXCHANGE,),
    ),
    Mutant(
        name="a copy that is handed over",
        file="mirror/exchange.py",
        old='("X-Tandem-Handed", "1")',
        new='("X-Tandem-Handed", "")',
        tests=(EXCHANGE,),
    ),
    Mutant(
        name="a copy with the id of the client's request",
        file="mirror/exchange.py",
        old='f"{value}-mirror" if',
        new="value if",
        tests=(EXCHANGE,),
    ),
    Mutant(
        name="a stream that is read to its end",
        file="mirror/exchange.py",
        old=".startswith(EVENT_STREAM)",
        new='.startswith("none")',
        tests=(EXCHANGE,),
    ),
    Mutant(
        name="another status not seen",
        file="mirror/comparison.py",
        old="    if home.status != other.status:",
        new="    if False:",
        tests=(COMPARISON,),
    ),
    Mutant(
        name="an ETag never compared",
        file="mirror/comparison.py",
        old="DIGESTS if home.body != other.body else frozenset()",
        new="DIGESTS",
        tests=(COMPARISON,),
    ),
    Mutant(
        name="the value of a cookie in a report",
        file="mirror/comparison.py",
        old="f\"{pair.partition('=')[0]}=…\", *kept",
        new="pair, *kept",
        tests=(COMPARISON,),
    ),
    Mutant(
        name="a number taken for a truth",
        file="mirror/bodies.py",
        old="return type(value), value",
        new="return object, value",
        tests=(BODIES,),
    ),
    Mutant(
        name="a CSRF token taken for a difference",
        file="mirror/bodies.py",
        old="return _DJANGO_TOKEN.sub(SAME, text)",
        new="return text",
        tests=(BODIES,),
    ),
    Mutant(
        name="an example with its secrets",
        file="mirror/findings.py",
        old="example=without_secrets(difference)",
        new="example=difference",
        tests=(FINDINGS,),
    ),
    Mutant(
        name="a JSON path without any index",
        file="mirror/ignoring.py",
        old="wanted in (ANY, str(step))",
        new="wanted == str(step)",
        tests=(IGNORING,),
    ),
    Mutant(
        name="a random value taken for a difference in the end",
        file="mirror/findings.py",
        old="return unstable > 0 and ",
        new="return False and ",
        tests=(FINDINGS,),
    ),
    Mutant(
        name="bytes of another encoding taken for the same",
        file="mirror/bodies.py",
        old='errors="surrogateescape"',
        new='errors="replace"',
        tests=(BODIES,),
    ),
)
