"""The candidates of a reload show how far it had come."""

from builders import plan, websocket
from django_tandem import pipeline
from django_tandem.runtime import candidates


def test_the_state_is_the_first_candidate_and_the_last_that_is_removed(tmp_path) -> None:
    """As long as it is there, the others are known to be uncommitted."""
    files = pipeline.render(plan(websocket("/ws/"), run_dir=str(tmp_path)))
    (tmp_path / "nginx.conf").write_text("another\n")

    candidates.write_candidates(files, (), tmp_path)
    assert candidates.is_proposed(tmp_path)
    assert not candidates.is_unfinished(tmp_path)
    (tmp_path / "state.json.next").rename(tmp_path / "state.json")
    assert candidates.is_unfinished(tmp_path)
    candidates.remove_candidates(tmp_path)

    assert not candidates.is_unfinished(tmp_path)
    assert list(tmp_path.glob("*.next")) == []
