"""The dashboard's files are complete, and load nothing from elsewhere."""

import asyncio
import hashlib
import json
import re

from django_tandem.monitor import dashboard
from django_tandem.monitor.dashboard import DATA, DIRECTORY, FILES, POLICY, file_pages
from django_tandem.monitor.minutes import PERCENTILE_BUCKETS_S
from django_tandem.runtime.probes.http_server import Request

INDEX = (DIRECTORY / "index.html").read_text()
SCRIPT = (DIRECTORY / "dashboard.js").read_text()


def test_each_file_that_the_page_names_is_served() -> None:
    """As it lies in the package, with its policy."""
    named = set(re.findall(r'(?:href|src)="([^"#]+)"', INDEX))

    assert {f"/{each}" for each in named} == FILES.keys() - {"/"}
    for path, page in file_pages().items():
        request = Request(method="GET", path=path, query={}, headers={}, server="127.0.0.1")
        response = asyncio.run(page(request))
        assert response.body == (DIRECTORY / FILES[path][0]).read_bytes()
        assert f"Content-Security-Policy: {POLICY}\r\n" in response.headers


def test_the_script_reads_the_data_that_is_passed_on() -> None:
    """And no other."""
    assert {f"/{each}" for each in re.findall(r"read\([\"`](\w+\.json)", SCRIPT)} == set(DATA)


def test_the_script_has_the_buckets_of_the_history() -> None:
    """Each is a tenth above the one before."""
    assert f"length: {len(PERCENTILE_BUCKETS_S)} }}, (_, power) => 0.0005 * 1.1 ** power" in SCRIPT
    assert PERCENTILE_BUCKETS_S[:2] == (0.0005, 0.0005 * 1.1)


def test_text_of_requests_never_becomes_markup() -> None:
    """A client chooses its path."""
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", SCRIPT)


def test_uplot_is_the_one_that_was_chosen() -> None:
    """As `make uplot` took it from npm."""
    directory = DIRECTORY / "uplot"
    sums = dict(line.split()[::-1] for line in (directory / "SHA256SUMS").read_text().splitlines())

    files = {path.name for path in directory.iterdir()} - {"SHA256SUMS", "LICENSE"}
    assert sums == {
        name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in files
    }


def test_an_installation_without_uplot_serves_the_rest(monkeypatch, tmp_path) -> None:
    """`pip install` of a clone runs no make."""
    monkeypatch.setattr(dashboard, "DIRECTORY", tmp_path)
    request = Request(method="GET", path="/", query={}, headers={}, server="127.0.0.1")

    response = asyncio.run(file_pages()["/uplot/uPlot.min.css"](request))

    assert (response.status, json.loads(response.body)) == (
        404,
        {"error": "This installation has no uplot/uPlot.min.css."},
    )
