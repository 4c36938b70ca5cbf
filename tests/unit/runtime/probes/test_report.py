"""What a probe answers follows from what is known of the stack."""

from dataclasses import replace

import pytest

from django_tandem.runtime.probes.report import (
    EDGE_BUSY_S,
    HUNG_S,
    LOOP_S,
    MASTER_S,
    Check,
    Outcome,
    ServerHealth,
    StackHealth,
    all_answer,
    livez,
    readyz,
    startupz,
)

TIMEOUT_S = 30
WSGI = ServerHealth(
    name="wsgi", uptime_s=1000, unanswered_s=0, is_listening=True, patience_s=TIMEOUT_S
)
EDGE = replace(WSGI, name="nginx", patience_s=EDGE_BUSY_S)
WELL = StackHealth(
    is_started=True, is_stopping=False, loop_age_s=0.5, master_age_s=0.5, servers=(WSGI, EDGE)
)


def with_wsgi(**changes) -> StackHealth:
    return replace(WELL, servers=(replace(WSGI, **changes), EDGE))


def failed(report) -> dict[str, str]:
    return {each.name: each.reason for each in report.checks if each.outcome is Outcome.FAIL}


def warned(report) -> dict[str, str]:
    return {each.name: each.reason for each in report.checks if each.outcome is Outcome.WARN}


def test_each_check_is_named() -> None:
    """With its status, and without a reason while it passes."""
    assert livez(WELL).as_json() == {
        "status": "pass",
        "checks": {
            "supervisord": {"status": "pass"},
            "master": {"status": "pass"},
            "wsgi": {"status": "pass"},
            "nginx": {"status": "pass"},
        },
    }
    assert readyz(WELL).as_json() == {
        "status": "pass",
        "checks": {
            "start": {"status": "pass"},
            "wsgi": {"status": "pass"},
            "nginx": {"status": "pass"},
        },
    }
    assert startupz(WELL).as_json() == {"status": "pass", "checks": {"start": {"status": "pass"}}}


def test_a_reason_is_a_sentence() -> None:
    """In the entry of the check that fails."""
    body = readyz(with_wsgi(unanswered_s=2, is_listening=False)).as_json()

    assert body["status"] == "fail"
    assert body["checks"]["wsgi"] == {"status": "fail", "reason": "It does not listen."}


@pytest.mark.parametrize("probe", [readyz, startupz])
def test_before_the_first_generation_is_live(probe) -> None:
    """It is named what does not answer yet; livez passes, for the start has its own deadline."""
    starting = replace(with_wsgi(unanswered_s=1, is_listening=False), is_started=False)

    assert failed(probe(starting)) == {
        "start": "The first generation is not live yet.",
        "wsgi": "It does not listen.",
    }
    assert livez(starting).passes


def test_once_started_startupz_keeps_passing() -> None:
    """An orchestrator requests it until it passes once."""
    assert startupz(with_wsgi(uptime_s=None, unanswered_s=100)).passes
    assert startupz(replace(WELL, is_stopping=True)).passes


def test_a_stack_that_stops_is_alive_and_not_ready() -> None:
    """Its servers end one after the other, and are not checked."""
    stopping = replace(with_wsgi(uptime_s=None), is_stopping=True)

    assert failed(readyz(stopping)) == {"stop": "The stack is stopping."}
    assert livez(stopping) == livez(replace(stopping, servers=(), master_age_s=None))
    assert livez(stopping).passes


def test_a_busy_server_is_ready() -> None:
    """For as long as a request may wait; then every request times out, and it is not."""
    busy, silent = (with_wsgi(unanswered_s=each) for each in (TIMEOUT_S, TIMEOUT_S + 1))

    assert warned(readyz(busy)) == {"wsgi": "It has not answered for 30 s. It is busy."}
    assert readyz(busy).passes
    assert failed(readyz(silent)) == {"wsgi": "It has not answered for 31 s."}


def test_a_busy_server_is_alive_for_longer() -> None:
    """A restart of the container would not serve its queue any sooner."""
    busy, hung = (with_wsgi(unanswered_s=each) for each in (HUNG_S, HUNG_S + 1))

    assert warned(livez(busy)) == {"wsgi": "It has not answered for 120 s."}
    assert livez(busy).passes
    assert failed(livez(hung)) == {"wsgi": "It has not answered for 121 s."}


def test_a_long_timeout_makes_livez_wait_for_twice_as_long() -> None:
    """A request may wait for one and run for another."""
    assert livez(with_wsgi(unanswered_s=600, patience_s=300)).passes
    assert not livez(with_wsgi(unanswered_s=601, patience_s=300)).passes


def test_a_program_that_ends_again_and_again_is_not_hung() -> None:
    """It may wait for its database, which a restart of the container does not bring back."""
    ends = with_wsgi(unanswered_s=3600, uptime_s=5, is_listening=False)
    down = with_wsgi(unanswered_s=3600, uptime_s=None, is_listening=False)

    assert livez(ends).passes
    assert warned(livez(down)) == {"wsgi": "Its program does not run; supervisord restarts it."}
    assert failed(readyz(down)) == {"wsgi": "Its program does not run."}


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_answers_with_a_failure_is_not_ready(status) -> None:
    """It is alive: a restart of the container would not mend its code."""
    fails = with_wsgi(failing_s=1, status=status)

    assert failed(readyz(fails)) == {"wsgi": f"It answers with status {status}."}
    assert failed(startupz(replace(fails, is_started=False))).keys() == {"start", "wsgi"}
    assert livez(fails) == livez(WELL)
    assert not all_answer(fails.servers)


def test_a_server_at_its_own_limit_is_busy() -> None:
    """Its 503 is one for as long as a request may wait."""
    busy, overloaded = (
        with_wsgi(failing_s=each, status=503) for each in (TIMEOUT_S, TIMEOUT_S + 1)
    )

    assert warned(readyz(busy)) == {"wsgi": "It answers with status 503. It is busy."}
    assert readyz(busy).passes
    assert failed(readyz(overloaded)) == {"wsgi": "It answers with status 503."}
    assert livez(overloaded).passes


def test_an_edge_that_does_not_answer_is_not_ready() -> None:
    """No request holds up its own answer."""
    slow = replace(WELL, servers=(WSGI, replace(EDGE, unanswered_s=EDGE_BUSY_S + 1)))

    assert failed(readyz(slow)) == {"nginx": "It has not answered for 6 s."}
    assert livez(slow).passes


def test_a_loop_that_does_not_run_is_dead() -> None:
    """Of supervisord, which restarts programs, and of the master, which replaces workers."""
    loop = replace(WELL, loop_age_s=LOOP_S + 1)
    master = replace(WELL, master_age_s=MASTER_S + 1)

    assert failed(livez(loop)) == {"supervisord": "Its loop has not run for 11 s."}
    assert failed(livez(master)) == {"master": "Its loop has not run for 31 s."}
    assert readyz(loop).passes
    assert readyz(master).passes


def test_unapplied_migrations_keep_a_stack_from_being_ready() -> None:
    """They are no reason to restart it."""
    check = Check(name="migrations", outcome=Outcome.FAIL, reason="1 is unapplied, in shop.")
    unapplied = replace(WELL, migrations=check)

    assert failed(readyz(unapplied)) == {"migrations": "1 is unapplied, in shop."}
    assert livez(unapplied).passes
    assert startupz(unapplied).passes
