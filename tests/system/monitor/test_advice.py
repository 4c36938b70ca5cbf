"""What a stack has recorded of real requests leads to the advice that is right for their views."""

import json
from concurrent.futures import ThreadPoolExecutor

from harness.client import ask
from harness.projects import startproject
from harness.stack import Up, tandem

REQUESTS, WORKERS = 40, 4
URLS = """
import time

from django.http import HttpResponse
from django.urls import path


def waits(request):
    time.sleep(0.5)
    return HttpResponse("waited")


def computes(request):
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return HttpResponse("computed")


async def blocks(request):
    time.sleep(0.05)
    return HttpResponse("blocked")


async def answers(request):
    return HttpResponse("answered")


urlpatterns = [
    path("waits/", waits), path("computes/", computes), path("blocks/", blocks),
    path("answers/", answers), path("rare/", waits),
]
"""
SETTINGS = f"""
DEBUG = False
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = []
TANDEM = {{"WSGI": {{"WORKERS": {WORKERS}}}, "ASGI": {{"WORKERS": 1}}}}
"""
# With the most that are in progress at a time: what blocks or computes delays its like.
LOAD = (("/waits/", WORKERS), ("/computes/", 1), ("/blocks/", 1), ("/answers/", 1))


def send(up: Up, path: str, at_a_time: int, requests: int = REQUESTS) -> None:
    with ThreadPoolExecutor(at_a_time) as pool:
        statuses = list(pool.map(lambda _: ask(up.port, path).status, range(requests)))
    assert statuses == [200] * requests


def test_each_view_gets_the_advice_that_is_right_for_it(tmp_path) -> None:
    """Of a stack that has stopped, whose last minute its monitor has written."""
    mysite = startproject(tmp_path) / "mysite"
    (mysite / "urls.py").write_text(URLS)
    with (mysite / "settings.py").open("a") as file:
        file.write(SETTINGS)

    with Up(tmp_path) as up:
        send(up, "/rare/", 1, requests=1)
        for path, at_a_time in LOAD:
            send(up, path, at_a_time)
    found = json.loads(tandem(tmp_path, "advise", "--json").stdout)

    by_route = {each["route"]: each for each in found["routes"]}
    assert {route: each["verdict"] for route, each in by_route.items()} == {
        "/waits/": "move to ASGI",
        "/blocks/": "move to WSGI",
        "/computes/": "stay on WSGI",
        "/answers/": "already right",
        "/rare/": "not enough data",
    }
    blocked_s = by_route["/blocks/"]["evidence"]["blocked_s"]
    assert blocked_s >= 0.8 * REQUESTS * 0.05
    assert [each["text"] for each in by_route["/blocks/"]["changes"]] == [
        "time.sleep() blocks: use asyncio.sleep"
    ]
