"""Breakages of the permits of a process, of greatest ages, and of blocked routes."""

from breakage.mutant import Mutant

ADMISSION = "tests/unit/inprocess/test_admission.py"
BLOCKED = "tests/unit/inprocess/test_blocked_routes.py"

MUTANTS = (
    Mutant(
        name="one permit more than the bound",
        file="inprocess/admission.py",
        old="self.open[kind] >= bound",
        new="self.open[kind] > bound",
        tests=(ADMISSION,),
    ),
    Mutant(
        name="a permit released with its consumer alone",
        file="inprocess/websocket_connection.py",
        old="            self._has_disconnected = True\n            self._finish()\n",
        new="            self._has_disconnected = True\n",
        tests=(ADMISSION,),
    ),
    Mutant(
        name="the answer to a POST denied after its view",
        file="inprocess/asgi_connections.py",
        old="admission.acquire if self._is_repeatable else admission.acquire_unbounded",
        new="admission.acquire",
        tests=(f"{ADMISSION}::test_a_response_to_a_post_acquires_a_permit_and_is_never_cut_off",),
    ),
    Mutant(
        name="a permit kept by a response that is no stream",
        file="inprocess/asgi_connections.py",
        old="        elif self._permit is not None:\n            self._permit.release()\n",
        new="",
        tests=(ADMISSION,),
    ),
    Mutant(
        name="ages without jitter",
        file="inprocess/admission.py",
        old="age_s * random.uniform(LEAST_OF_AGE, 1)",
        new="age_s * LEAST_OF_AGE",
        tests=(ADMISSION,),
    ),
    Mutant(
        name="a route before it blocked as well",
        file="inprocess/blocked_routes.py",
        old="            return rule.is_blocked\n",
        new="            return True\n",
        tests=(BLOCKED,),
    ),
    Mutant(
        name="blocked WebSockets closed at once",
        file="inprocess/open_connections.py",
        old="after_s, self._end, connection, block.close, block.window_s",
        new="0, self._end, connection, block.close, block.window_s",
        tests=(BLOCKED,),
    ),
    Mutant(
        name="connections of an unblocked route closed",
        file="inprocess/open_connections.py",
        old="            timers.cancel_block()\n",
        new="            pass\n",
        tests=(BLOCKED,),
    ),
)
