"""A path goes to the stack of the view that Django would choose, however the pattern is written."""

from urllib.parse import quote

import pytest

ASGI = [
    "/async/",
    "/größe/straße/",
    """/quoted/"double"/'single'/""",
    "/years/2026/",
    "/years/٢٠٢٦/",
    r"/back\slash/$dollar;{brace}/",
    "/either/one/",
    "/either/two/",
    "/int/42/",
    "/日本/東京/駅",
    "/日本/a b",
]
WSGI = [
    "/sync/",
    "/größe/klein/",
    """/quoted/"double"/'triple'/""",
    "/years/20266/",
    r"/back\slash/$dollar;{brace}/more",
    "/either/three/",
    "/either/größe/",
    "/int/four/",
]


@pytest.mark.parametrize("path", ASGI)
def test_the_path_of_a_coroutine_goes_to_asgi(edge, path) -> None:
    """And arrives as it was sent."""
    reported = edge.ask(quote(path)).json

    assert (reported["served_by"], reported["path"]) == ("ASGIRequest", path)


@pytest.mark.parametrize("path", WSGI)
def test_its_neighbour_goes_to_wsgi(edge, path) -> None:
    """Though it begins alike."""
    reported = edge.ask(quote(path)).json

    assert (reported["served_by"], reported["path"]) == ("WSGIRequest", path)


@pytest.mark.parametrize("path", ["/async", "/ASYNC/", "/either/one", "/int/4/2/", "/x/async/"])
def test_what_no_view_answers_is_djangos_404(edge, path) -> None:
    """But where it wants a slash at the end: then Django says so."""
    assert edge.ask(quote(path)).status == (301 if path in ("/async", "/either/one") else 404)


def test_every_character_of_a_path_arrives(edge) -> None:
    """The edge passes a path to ASGI unchanged."""
    raw = "/%E6%97%A5%E6%9C%AC/%2F/%25/%3F/a+b/%C3%A9;c=d/@:!$&'()*"
    reported = edge.ask(f"{raw}?q=%2F&q=a+b").json

    assert reported["path"] == "/日本///%/?/a+b/é;c=d/@:!$&'()*"
