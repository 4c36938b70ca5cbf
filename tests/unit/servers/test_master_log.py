"""The log of a master that forks workers, and what the project adds to it."""

import logging
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from django_tandem.servers.adapters.master_log import MasterLog

# What it prints itself comes after the end of what was logged last.
MASTER = """
import atexit, logging, os, pathlib, signal, sys, time
from django_tandem.servers.adapters.master_log import MasterLog

path, master = pathlib.Path(sys.argv[1]), os.getpid()


class Project(logging.Handler):
    count = 0

    def emit(self, record):
        assert os.getpid() != master
        # As a server that takes its time to answer.
        time.sleep(0.1)
        self.count += 1
        with path.open("a") as file:
            print(self.count, os.getpid(), self.format(record), file=file)


def leave():
    if os.getpid() == master:
        for line in path.read_text().splitlines() if path.exists() else ():
            print(line)


atexit.register(leave)
logger = logging.getLogger("gunicorn.error")
logger.setLevel(logging.DEBUG)
logger.addHandler(Project(logging.INFO))
logger.addHandler(logging.StreamHandler())
log = MasterLog(lambda: print("closed", flush=True))
log.install()
"""


def logged(tmp_path, body: str) -> tuple[list[list[str]], str]:
    """Run a master that logs; return the words of what is printed, without pids, and stderr."""
    script = MASTER + textwrap.dedent(body)
    argv = [sys.executable, "-c", script, str(tmp_path / "reported")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    return [line.split(" ", 2) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.processes
def test_what_is_logged_last_is_reported_before_the_end(tmp_path) -> None:
    """By one process that keeps no address in use, and what a handler remembers."""
    body = """
        logger.debug("Below the handler's level.")
        logger.info("A worker has ended.")
        logger.error("Worker %s failed to boot.", 7)
    """
    (closed, first, second), stderr = logged(tmp_path, body)

    assert closed == ["closed"]
    assert [first[0], first[2]] == ["1", "A worker has ended."]
    assert second == ["2", first[1], "Worker 7 failed to boot."]
    assert stderr == ("Below the handler's level.\nA worker has ended.\nWorker 7 failed to boot.\n")


@pytest.mark.processes
def test_a_log_process_that_was_killed_is_replaced(tmp_path) -> None:
    """The next record is not lost."""
    body = """
        logger.error("Before.")
        while not path.exists():
            time.sleep(0.01)
        os.kill(log._pid, signal.SIGKILL)
        os.waitpid(log._pid, 0)
        logger.error("After.")
    """
    lines, _ = logged(tmp_path, body)

    assert [line[-1] for line in lines] == ["closed", "closed", "Before.", "After."]


@pytest.mark.processes
def test_a_record_is_sent_though_a_part_of_it_can_not_be(tmp_path) -> None:
    """A traceback is text, and an object that can't be pickled is left out."""
    body = """
        logger.error("Asked by %s.", lambda: None, extra={"request": lambda: None})
        try:
            1 / 0
        except ZeroDivisionError:
            logger.exception("Unhandled.")
    """
    lines, _ = logged(tmp_path, body)

    texts = [line[-1] for line in lines]
    assert texts[1].startswith("Asked by <function <lambda>")
    assert "Unhandled." in texts
    assert "ZeroDivisionError: division by zero" in " ".join(lines[-1])


@pytest.mark.processes
def test_a_handler_that_raises_is_named_and_does_not_end_the_others(tmp_path) -> None:
    """It raises in the log process, whose error is in the log of the master."""
    body = """
        def fail(record):
            if record.msg == "First.":
                raise RuntimeError("no such collector")
            return True

        logger.handlers[0].addFilter(fail)
        logger.error("First.")
        logger.error("Second.")
    """
    lines, stderr = logged(tmp_path, body)

    assert [line[-1] for line in lines] == ["closed", "Second."]
    assert "RuntimeError: no such collector" in stderr


@pytest.mark.processes
@pytest.mark.parametrize("ending", ["sys.exit()", "os.kill(master, signal.SIGKILL)"])
def test_it_ends_with_the_master(tmp_path, ending) -> None:
    """Also where a worker that was forked in the meantime still runs."""
    body = f"""
        logger.error("Once.")
        while not path.exists():
            time.sleep(0.01)
        worker = os.fork()
        if worker == 0:
            os.close(1), os.close(2)
            time.sleep(20)
            os._exit(0)
        path.with_suffix(".worker").write_text(str(worker))
        {ending}
    """
    argv = [sys.executable, "-c", MASTER + textwrap.dedent(body), str(tmp_path / "reported")]
    # It raises unless the log process, which has the other ends of the pipes, has ended by then.
    subprocess.run(argv, capture_output=True, timeout=5, check=False)

    os.kill(int((tmp_path / "reported.worker").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(
    "handler",
    [logging.StreamHandler(sys.stderr), logging.NullHandler(), logging.Handler(logging.CRITICAL)],
    ids=["stream", "null", "level"],
)
def test_a_record_that_no_handler_of_the_project_takes_needs_no_process(
    handler, monkeypatch
) -> None:
    """A project that only formats its log has each line from the master itself."""
    forks = []
    monkeypatch.setattr(os, "fork", lambda: forks.append(1))
    logger = logging.Logger("of the master")
    logger.addHandler(handler)
    record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "Late.", (), None)

    MasterLog(lambda: None)._handle(logger, record)

    assert forks == []


def test_a_file_is_written_by_the_master(tmp_path) -> None:
    """Also by a class of the project's that writes to one, which may have to close it again."""

    class Ours(logging.FileHandler):
        pass

    logger = logging.Logger("of the master")
    logger.addHandler(Ours(tmp_path / "log"))
    record = logger.makeRecord(logger.name, logging.INFO, "", 0, "Started.", (), None)

    MasterLog(lambda: None)._handle(logger, record)

    assert (tmp_path / "log").read_text() == "Started.\n"
