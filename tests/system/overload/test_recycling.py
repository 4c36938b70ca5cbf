"""Workers that are replaced after so many requests lose none of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import ask

REQUESTS = 200
MAX_REQUESTS = 20
CONNECTIONS = 8


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
def test_recycling_under_load_loses_nothing_and_does_nothing_twice(up_with, server) -> None:
    """Every GET and POST is answered, and each POST is done once, with its whole body."""
    with up_with(SERVER=server, WORKERS=2, MAX_REQUESTS=MAX_REQUESTS) as up:

        def send(key):
            body = bytes(1000 + key) if key % 2 else None
            return ask(up.port, f"/done/?key={key}", "POST" if body else "GET", body=body)

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            answers = list(pool.map(send, range(REQUESTS)))

    assert [each.status for each in answers if each.status != 200] == []
    lines = sorted(up.directory.joinpath("done").read_text().splitlines())
    assert lines == sorted(f"{key} {1000 + key}" for key in range(1, REQUESTS, 2))
    served = {each.text: 0 for each in answers}
    for each in answers:
        served[each.text] += 1
    assert max(served.values()) <= MAX_REQUESTS * 1.1
    assert len(served) >= REQUESTS / (MAX_REQUESTS * 1.1)
