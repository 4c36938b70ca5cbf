"""A start in the foreground that fails is stopped, however early it fails."""

import pytest

from builders import plan
from django_tandem import output
from django_tandem.render.supervisor import state_file, state_of
from django_tandem.runtime import announce, supervisord
from django_tandem.runtime.health import Failed


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_stack_is_given_up_once_supervisord_answers(refusals, tmp_path, monkeypatch) -> None:
    """Its socket is opened some time after the process that announces the stack has started."""
    starting = state_of(plan(run_dir=str(tmp_path)))
    output.write([state_file(starting)], tmp_path)
    failed = Failed(process=starting.processes[0], reason="no answer within 1 s")
    attempts: list[str] = []

    def give_up(_run_dir: object, program: str, because: str) -> None:
        attempts.append(f"{program}: {because}")
        if len(attempts) <= refusals:
            raise supervisord.GoneError("supervisord does not answer")

    monkeypatch.setattr(supervisord, "give_up", give_up)
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter([failed]))

    assert announce.main([str(tmp_path), "1"]) == 1
    assert attempts == [f"{failed.process.program}: no answer within 1 s"] * (refusals + 1)
