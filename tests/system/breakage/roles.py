"""Breakages of a role that runs alone: its trust in the edge, and its stop."""

from breakage.mutant import Mutant

STOP = "tests/unit/servers/test_unsupervised.py"
TRUST = "tests/unit/inprocess/test_peer_trust.py"
MASTER = "tests/system/master/test_one_stack.py"

MUTANTS = (
    Mutant(
        name="further connections that are not refused",
        file="servers/adapters/addresses.py",
        old="listener.setsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX, NO_INTERFACE)",
        new="pass",
        tests=(f"{MASTER}::test_a_stop_resets_no_connection_that_was_accepted",),
    ),
    Mutant(
        name="workers that drain while connections wait",
        file="servers/adapters/unsupervised.py",
        old="is_established and not addresses.has_waiting(self._master.listeners())",
        new="is_established",
        tests=(f"{STOP}::test_the_workers_drain_once_nothing_waits_to_be_accepted",),
    ),
    Mutant(
        name="stop alone without its delay",
        file="servers/adapters/unsupervised.py",
        old="self._times.delay_s if has_served else 0",
        new="0",
        tests=(f"{STOP}::test_a_stop_still_serves_for_its_delay",),
    ),
    Mutant(
        name="request without a secret that is served",
        file="inprocess/peer_trust.py",
        old="if given is not None and any(",
        new="if given is None or any(",
        tests=(f"{TRUST}::test_a_request_without_the_secret_is_rejected[given0]",),
    ),
    Mutant(
        name="secret that the project sees",
        file="inprocess/peer_trust.py",
        old="given = environ.pop(_KEY, None)",
        new="given = environ.get(_KEY)",
        tests=(f"{TRUST}::test_the_edge_is_served_on_wsgi_and_the_project_sees_no_secret",),
    ),
)
