"""Breakages of what systemd gets of a stack, and of reloads by another user."""

from breakage.mutant import Mutant

NOTIFIER = "tests/unit/runtime/supervisor/test_systemd_notifier.py"
REQUESTS = "tests/unit/runtime/test_reload_requests.py"
GROUP = "tests/system/root/test_reload_by_group.py"

MUTANTS = (
    Mutant(
        name="unit that is ready as soon as supervisord runs",
        file="runtime/supervisor/systemd_notifier.py",
        old='        self._send("STATUS=Starting")\n',
        new='        self._send("READY=1")\n',
        tests=("tests/system/stack/test_systemd.py::test_the_unit_is_ready_when_the_stack_is",),
    ),
    Mutant(
        name="refused reload whose end systemd waits for",
        file="runtime/supervisor/systemd_notifier.py",
        old='        self._send("READY=1", f"STATUS={self._live()}{refused}")\n',
        new='        if not is_refused:\n            self._send("READY=1")\n',
        tests=(f"{NOTIFIER}::test_a_refused_reload_ends_as_well",),
    ),
    Mutant(
        name="killed reload whose end systemd waits for",
        file="runtime/supervisor/plugin.py",
        old="        self._notifier.end_killed_reload()\n",
        new="",
        tests=(
            "tests/unit/runtime/supervisor/test_plugin.py::"
            "test_each_tick_looks_for_a_killed_reload",
        ),
    ),
    Mutant(
        name="request of any user taken",
        file="runtime/supervisor/reload_listener.py",
        old="        if gid in peer.groups or uid in (0, os.geteuid()):\n",
        new="        if gid:\n",
        tests=(f"{GROUP}::test_another_user_is_refused",),
    ),
    Mutant(
        name="socket of any user taken for the stack's",
        file="runtime/reload_requests.py",
        old="        if peer_uid(connection) not in (owner, 0):\n",
        new="        if peer_uid(connection) < 0:\n",
        tests=(f"{GROUP}::test_a_socket_of_another_user_gets_no_request",),
    ),
    Mutant(
        name="request whose options have any type",
        file="runtime/reload_requests.py",
        old="    if not _has_types(request):\n",
        new="    if False:\n",
        tests=(f"{REQUESTS}::test_no_option_that_names_code_is_taken",),
    ),
    Mutant(
        name="reload that goes on without its client",
        file="runtime/reload_requests.py",
        old="            reload.send_signal(signal.SIGINT)\n",
        new="",
        tests=(f"{REQUESTS}::test_a_client_that_has_gone_interrupts_its_reload",),
    ),
    Mutant(
        name="interpreter of another release kept",
        file="project/releases.py",
        old="    return found if is_own and os.access(found, os.X_OK) else None\n",
        new="    return None\n",
        tests=(
            "tests/unit/project/test_releases.py::"
            "test_another_release_has_an_interpreter_of_its_own",
        ),
    ),
)
