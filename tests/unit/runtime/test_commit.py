"""The commit of a reload: undone before it, finished after it, by whoever finds it."""

import os

import pytest

from builders import plan
from django_tandem import output, pipeline
from django_tandem.runtime import candidates, commit
from django_tandem.runtime.state import read_state


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    """Make the files of generation 1, without a supervisord; NGINX accepts each reload."""
    output.write(pipeline.render(plan()), tmp_path)
    monkeypatch.setattr(commit, "reload_edge", lambda _run_dir: True)
    monkeypatch.setattr(commit.supervisord, "refresh", lambda _run_dir: None)
    return tmp_path


def propose(run_dir, generation=2):
    """Write the candidates of a generation with another route table."""
    new = plan(generation=generation, tandem={"EDGE": {"MAX_BODY": f"{generation}M"}})
    candidates.write_candidates(pipeline.render(new), (), run_dir)


def test_candidates_that_are_not_committed_are_removed(run_dir) -> None:
    """A reload was killed before its commit: the live generation keeps its files."""
    before = (run_dir / "nginx.conf").read_text()
    propose(run_dir)

    commit.recover(run_dir)

    assert read_state(run_dir).generation == 1
    assert (run_dir / "nginx.conf").read_text() == before
    assert not list(run_dir.glob("*.next"))


def test_a_commit_that_was_not_finished_is_finished(run_dir) -> None:
    """A reload was killed after its commit: the files and the links follow the state."""
    propose(run_dir)
    proposed = (run_dir / "nginx.conf.next").read_text()
    commit.commit(run_dir)

    commit.recover(run_dir)

    assert read_state(run_dir).generation == 2
    assert (run_dir / "nginx.conf").read_text() == proposed
    assert (run_dir / "wsgi.sock").readlink().name == "wsgi-2.sock"
    assert not [*run_dir.glob("*.next"), *run_dir.glob("*.previous")]


def test_the_edge_keeps_its_file_when_nginx_rejects_the_new_one(run_dir, monkeypatch) -> None:
    """NGINX would read it at its next start; also when it was killed on its way before."""
    before = (run_dir / "nginx.conf").read_text()
    propose(run_dir)
    commit.commit(run_dir)

    def killed(_run_dir):
        raise KeyboardInterrupt

    monkeypatch.setattr(commit, "reload_edge", killed)
    with pytest.raises(KeyboardInterrupt):
        commit.finish(run_dir)
    monkeypatch.setattr(commit, "reload_edge", lambda _run_dir: False)

    assert not commit.finish(run_dir)

    assert (run_dir / "nginx.conf").read_text() == before
    assert not [*run_dir.glob("*.next"), *run_dir.glob("*.previous")]


def test_what_follows_the_commit_needs_no_space_on_the_disk(run_dir, monkeypatch) -> None:
    """Files are renamed and linked, and none is written."""
    propose(run_dir)
    commit.commit(run_dir)

    def full(*_arguments, **_options):
        raise OSError(28, os.strerror(28))

    for written in ("django_tandem.output.write", "shutil.copy2", "pathlib.Path.write_text"):
        monkeypatch.setattr(written, full)

    assert commit.finish(run_dir)
    assert (run_dir / "wsgi.sock").readlink().name == "wsgi-2.sock"
