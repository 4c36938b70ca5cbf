"""The files of the dashboard, which anything that answers the monitor's JSON can serve."""

from functools import partial
from http import HTTPStatus
from pathlib import Path

from django_tandem.runtime.probes.http_server import Pages, Request, Response, json_response

DIRECTORY = Path(__file__).parent
# By path: the file and its type. Nothing else is served.
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
    "/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/uplot/uPlot.iife.min.js": ("uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "/uplot/uPlot.min.css": ("uplot/uPlot.min.css", "text/css; charset=utf-8"),
}
# The JSON that its script reads, from its own origin.
DATA = ("/snapshot.json", "/history.json", "/gauges.json")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = (
    f"Content-Security-Policy: {POLICY}\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
)


def file_pages() -> Pages:
    """Return the pages of the dashboard's files."""
    return {path: partial(_file, *file) for path, file in FILES.items()}


async def _file(name: str, content_type: str, _: Request) -> Response:
    try:
        body = (DIRECTORY / name).read_bytes()
    except FileNotFoundError:
        # uPlot, where the package was built from a clone without it.
        return json_response(HTTPStatus.NOT_FOUND, {"error": f"This installation has no {name}."})
    return Response(
        status=HTTPStatus.OK,
        body=body,
        content_type=content_type,
        headers=SECURITY,
    )
