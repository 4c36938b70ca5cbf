"""The report is one file that stands alone, and says what it holds to whoever opens it."""

import re
import subprocess
import sys

import pytest
from bench.markup import Element, read
from bench.reports import (
    ASGI,
    HYBRID,
    LOTS,
    MIXED,
    ONLY_SOCKETS,
    WSGI,
    all_failed,
    failed,
    measured,
    report,
    row,
    sockets,
    steady,
    whole,
)

from django_tandem.bench.measured import Described
from django_tandem.bench.page import page
from django_tandem.bench.workload import Workload
from django_tandem.errors import MachineError

HOSTILE = """<script>alert("1")</script> & ' $x^2$ </title></svg> {0} 中文"""


def _all_kinds():
    rows = [
        *whole(),
        row(HYBRID, measured(700, 50, sockets=sockets()), workload=MIXED),
        row(WSGI, measured(700, 50), workload=MIXED),
        failed(ASGI, "server ended with code 1", workload=MIXED),
        row(HYBRID, measured(0, None, sockets=sockets()), workload=ONLY_SOCKETS),
        row(WSGI, workload=ONLY_SOCKETS),
        row(ASGI, all_failed(sockets=sockets(None, opened=0)), workload=ONLY_SOCKETS),
    ]
    return report(rows, (LOTS, MIXED, ONLY_SOCKETS), was_cut=True, notes=("A note.",))


@pytest.fixture(scope="module")
def text() -> str:
    return page(_all_kinds())


@pytest.fixture(scope="module")
def whole_page(text) -> Element:
    return read(text)


def test_it_loads_nothing(text, whole_page) -> None:
    """No address is in it, not even a namespace's; all it refers to is in itself."""
    elements = whole_page.all()
    ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
    links = [each.attributes.get("href", "#") for each in elements]
    clips = [each.attributes["clip-path"] for each in elements if "clip-path" in each.attributes]

    assert not re.search(r"https?:|//[a-z]|@import|src=", text)
    assert {each.tag for each in elements}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} - {""} <= set(ids)
    assert {clip.removeprefix("url(#").removesuffix(")") for clip in clips} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_browser_is_told_to_load_nothing(whole_page) -> None:
    """A policy in the page holds it to that."""
    policies = [
        each.attributes["content"]
        for each in whole_page.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_each_workload_has_its_charts(whole_page) -> None:
    """What has no requests, or no WebSockets, has no chart of them."""
    titles = [
        [figure.one("strong").text for figure in section.all("figure")]
        for section in whole_page.all("section")
        if section.all("figure")
    ]

    assert titles == [
        ["Requests a second", "Time to an answer", "Memory"],
        ["Requests a second", "Time to an answer", "WebSocket latency, by ping", "Memory"],
        ["WebSocket latency, by ping", "Memory"],
    ]


def test_a_chart_is_told_to_who_can_not_see_it(whole_page) -> None:
    """It is an image with a title, and a description that has its numbers."""
    svg = whole_page.all("svg")[0]
    said = {each.attributes["id"]: each.text for each in svg.all() if "id" in each.attributes}
    title, description = svg.attributes["aria-labelledby"].split()

    assert svg.attributes["role"] == "img"
    assert said[title] == "Requests a second: /api/lots/"
    assert said[description] == (
        "More is better. Hybrid: 702/s; WSGI only: 711/s; ASGI only: 132/s"
    )


def test_a_chart_takes_the_colours_and_the_width_of_the_page(whole_page) -> None:
    """Its colours are the page's, for light and for dark, and it is as wide as there is room."""
    for svg in whole_page.all("svg"):
        styles = " ".join(each.attributes.get("style", "") for each in svg.all())

        assert "#" not in styles
        assert "font-family" not in styles
        assert {"width", "height"}.isdisjoint(svg.attributes)


def test_names_are_text_wherever_they_stand(recwarn) -> None:
    """Markup, quotes and dollar signs in a name, a path or a reason are shown as they are."""
    workload = Workload(name=HOSTILE, path=f"/{HOSTILE}")
    given = report(
        [steady(HYBRID, 700, 50, workload=workload), failed(HOSTILE, HOSTILE, workload=workload)],
        [workload],
        topologies=(Described(name=HYBRID, title=HOSTILE, what=HOSTILE),),
        title=HOSTILE,
        command=HOSTILE,
        machine={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
    )
    found = read(page(given))
    shown = " ".join(HOSTILE.split())

    assert not found.all("script")
    assert [each.text for each in found.all("h1") + found.all("h2")[:1]] == [shown, shown]
    assert found.one("code").text == shown
    assert any("$x^2$" in each.text for each in found.all("svg")[0].all("text"))
    assert not recwarn.list


def test_what_no_file_can_hold_is_shown_as_a_mark() -> None:
    """A control character, or half of a character that the command line let in, breaks nothing."""
    workload = Workload(name="a\x1b\x00b\udce9c", path="/")
    rows = [steady("b\x1b\udce9", 700, 50, workload=workload)]
    text = page(report(rows, [workload], command="c\udce9"))

    assert "a\ufffd\ufffdb\ufffdc" in read(text).text
    assert text.encode()


def test_secrets_are_not_told() -> None:
    """Headers are named without their values, a body is told by its size."""
    workload = Workload(
        name="bid",
        path="/bid/",
        method="POST",
        body="password=x",
        headers=(("Authorization", "Token 123"),),
    )
    text = page(report([steady(HYBRID, 700, 50, workload=workload)], [workload]))

    assert "Token 123" not in text
    assert "password" not in text
    assert "with a body of 10 bytes" in text
    assert "with headers Authorization" in text


def test_it_says_how_to_do_it_again_and_where_it_was(whole_page) -> None:
    """The command, what ran, the machine and the versions are there."""
    facts = [(each.tag, each.text) for each in whole_page.all() if each.tag in ("dt", "dd")]
    pairs = [(term[1], told[1]) for term, told in zip(facts[::2], facts[1::2], strict=True)]

    assert whole_page.one("p", "note").text == "A note."
    assert whole_page.one("code").text == "tandem bench /api/lots/ --rounds 3"
    assert ("ASGI only", "Uvicorn with 3 workers") in pairs
    assert ("memory (MB)", "24576") in pairs
    assert ("django", "5.2.19") in pairs


def test_the_same_report_is_the_same_page(text) -> None:
    """So that a page that was kept can be compared."""
    assert page(_all_kinds()) == text


def test_without_the_library_it_says_what_to_install(monkeypatch) -> None:
    """It is an extra, which only who wants the page needs."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(MachineError) as raised:
        page(report(whole()))

    assert str(raised.value) == (
        "The charts of the HTML report need matplotlib, which can't be imported here.\n"
        '  Install it with the extra: pip install "django-tandem[bench]"'
    )


def test_the_library_is_loaded_only_for_a_page() -> None:
    """The commands that may make one do not have to wait for it, or to have it."""
    asked = "import sys, django_tandem.bench.page; sys.exit('matplotlib' in sys.modules)"

    subprocess.run([sys.executable, "-c", asked], check=True, timeout=60)
