"""A request that arrives while the stack starts gets 503 and a page that reloads itself."""

import contextlib
import threading
import time

from stack.mistaken import append

from harness.client import Answer, ask
from harness.stack import Up

IMPORT_S = 3
SLOW = f"\nimport time\n\ntime.sleep({IMPORT_S})"


def test_a_visitor_waits_on_a_page_that_reloads_itself(project) -> None:
    """Until the first worker can answer; then the next reload gets the site."""
    append(project / "mysite" / "wsgi.py", SLOW)
    up = Up(project)
    answers: list[Answer] = []
    has_started = threading.Event()

    def visit() -> None:
        while not has_started.is_set():
            # The edge may not listen yet.
            with contextlib.suppress(OSError):
                answers.append(ask(up.port, "/", headers=[("Accept", "text/html")]))
            time.sleep(0.1)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        with up:
            has_started.set()
            visitor.join()
            assert ask(up.port, "/").status == 200
    finally:
        has_started.set()

    early = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in early} == {503}
    assert {answer.headers["Retry-After"] for answer in early} == {"1"}
    assert {"This page reloads itself." in answer.text for answer in early} == {True}
    assert "[crit]" not in up.output
    assert "[crit]" in (up.run_dir / "nginx.log").read_text()
