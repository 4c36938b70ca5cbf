"""The example in containers: its pages, its files, a handover, and who a stack serves."""

import pytest

from harness.client import ask

# The first of them builds the image.
pytestmark = pytest.mark.timeout(600)

SERVICES = ("edge", "wsgi-1", "wsgi-2", "asgi", "workers", "postgres", "valkey")


def test_each_service_is_healthy(compose) -> None:
    """By the health check of the image; the migrations have ended."""
    found = compose.containers()

    assert set(found) == {*SERVICES, "migrate"}
    assert {found[name]["Health"] for name in SERVICES} == {"healthy"}
    assert found["migrate"]["ExitCode"] == 0


@pytest.mark.parametrize(
    ("path", "stack"), [("/", "wsgi"), ("/api/lots/", "wsgi"), ("/hood/plan/", "asgi")]
)
def test_a_page_is_from_the_stack_of_its_route(path, stack, compose) -> None:
    """In whichever container that is."""
    answer = ask(compose.port, path)

    assert (answer.status, answer.headers["X-Stack"]) == (200, stack)


def test_static_files_are_from_the_image(compose) -> None:
    """The edge has them, and no other container is asked."""
    page = ask(compose.port, "/").text
    path = next(part for part in page.split('"') if part.startswith("/static/"))

    answer = ask(compose.port, path)

    assert answer.status == 200
    assert "X-Stack" not in answer.headers


def test_a_request_is_handed_over_by_the_edge(compose) -> None:
    """From a WSGI container to the ASGI container."""
    answer = ask(compose.port, "/even/4/")

    assert (answer.status, answer.text, answer.headers["X-Stack"]) == (200, "4", "asgi")


def test_a_stack_serves_its_edge_alone(compose) -> None:
    """Without the secret it answers 403, from another container of the same network."""
    look = (
        "import urllib.request, urllib.error\n"
        "try: print(urllib.request.urlopen('http://wsgi-1:9000/').status)\n"
        "except urllib.error.HTTPError as error: print(error.code)"
    )

    assert compose.execute("workers", "python", "-c", look).strip() == "403"
