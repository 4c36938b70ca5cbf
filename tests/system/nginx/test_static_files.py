"""The edge serves what was collected, and nothing else of the disk."""

import gzip
import json
from pathlib import Path

import pytest

CSS = "/static/edgesite/site.css"


@pytest.fixture(scope="session")
def files(project) -> Path:
    """The directory that the project's files were collected to, and a few more laid there."""
    collected = project / "collected"
    (collected / ".env").write_text("a secret")
    (collected / ".git").mkdir()
    (collected / ".git" / "config").write_text("a secret")
    (collected / "with space é.txt").write_text("spaced")
    (collected / "link.txt").symlink_to(project / "manage.py")
    return collected


@pytest.fixture(scope="session")
def hashed(files) -> str:
    """The URL that the manifest storage made of site.css."""
    [path] = (files / "edgesite").glob("site.*.css")
    return f"/static/edgesite/{path.name}"


def test_a_file_is_served_by_the_edge_for_a_short_time(edge) -> None:
    """As it was collected; the servers behind never see the request."""
    answer = edge.ask(CSS)

    assert (answer.status, len(answer.body)) == (200, 1500)
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Cache-Control"] == "max-age=60, public"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"]


def test_a_name_with_djangos_hash_is_immutable(edge, hashed) -> None:
    """What has such a name never changes."""
    answer = edge.ask(hashed)

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"


def test_it_is_compressed_for_who_takes_it_and_says_that_it_varies(edge) -> None:
    """A cache in between must keep the two apart."""
    plain = edge.ask(CSS)
    packed = edge.ask(CSS, headers=[("Accept-Encoding", "gzip")])

    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


SHIPPED = "/static/precompressed/app.js"


@pytest.fixture(scope="session")
def copies(files) -> dict[str | None, bytes]:
    """The content of a file and of its copies by coding; NGINX need not understand them."""
    directory = files / "precompressed"
    directory.mkdir()
    contents = {None: b"original" * 200, "br": b"brotli", "gzip": gzip.compress(b"original")}
    for coding, suffix in ((None, ""), ("br", ".br"), ("gzip", ".gz")):
        (directory / f"app.js{suffix}").write_bytes(contents[coding])
    (directory / "tiny.txt").write_bytes(b"tiny")
    (directory / "tiny.txt.gz").write_bytes(gzip.compress(b"tiny"))
    (directory / "app é 100%25?.123456789abc.css").write_bytes(b"original")
    (directory / "app é 100%25?.123456789abc.css.br").write_bytes(b"brotli")
    (directory / ".br").write_text("a secret")
    return contents


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, BR ; q=0.5", "br"),
        ("br;q=0.001", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000,gzip;q=0.8", "gzip"),
        ("brotli, xbr, gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("identity", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_a_precompressed_copy_is_sent_to_clients_that_accept_it(
    edge, copies, accepted, coding
) -> None:
    """With the type and the caching of the original, and to nobody else."""
    headers = [] if accepted is None else [("Accept-Encoding", accepted)]
    answer = edge.ask(SHIPPED, headers=headers)

    assert (answer.status, answer.body) == (200, copies[coding])
    assert answer.headers.get_all("Content-Encoding", []) == [coding] * bool(coding)
    assert answer.headers.get_all("Vary") == ["Accept-Encoding"]
    assert answer.headers.get_all("Content-Type") == ["text/javascript; charset=utf-8"]
    assert answer.headers["Cache-Control"] == "max-age=60, public"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_small_file_and_its_copy_both_vary(edge, copies) -> None:
    """NGINX itself compresses no file of this size, and would not send Vary."""
    answers = [
        edge.ask("/static/precompressed/tiny.txt", headers=[("Accept-Encoding", accepted)])
        for accepted in ("gzip", "identity")
    ]

    assert [answer.headers["Content-Encoding"] for answer in answers] == ["gzip", None]
    assert [answer.headers["Vary"] for answer in answers] == ["Accept-Encoding"] * 2


def test_a_copy_of_an_odd_name_is_found(edge, copies) -> None:
    """And Django's hash in it is noticed."""
    target = "/static/precompressed/app%20%C3%A9%20100%2525%3F.123456789abc.css?v=1"
    answer = edge.ask(target, headers=[("Accept-Encoding", "br")])

    assert (answer.status, answer.body) == (200, b"brotli")
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"


def test_a_copy_is_revalidated_and_sent_in_parts(edge, copies) -> None:
    """Its ETag, its length and its ranges are its own."""
    accepted = ("Accept-Encoding", "br")
    head = edge.ask(SHIPPED, "HEAD", headers=[accepted])
    tag = head.headers["ETag"]

    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "6")
    assert tag != edge.ask(SHIPPED).headers["ETag"]
    same = edge.ask(SHIPPED, headers=[accepted, ("If-None-Match", tag)])
    assert (same.status, same.body, same.headers["Vary"]) == (304, b"", "Accept-Encoding")
    part = edge.ask(SHIPPED, headers=[accepted, ("Range", "bytes=1-3")])
    assert (part.status, part.body) == (206, b"rot")
    assert (part.headers["Content-Range"], part.headers["Content-Encoding"]) == (
        "bytes 1-3/6",
        "br",
    )


@pytest.mark.parametrize(
    "target",
    [
        "/static/precompressed/",
        "/static/precompressed/.br",
        "/static/made/by/a/view.txt",
        "/.tandem/precompressed/static/precompressed/app.js",
    ],
)
def test_the_way_to_a_copy_leads_nowhere_else(edge, copies, target) -> None:
    """Without a file the client gets what Django answers."""
    answer = edge.ask(target, headers=[("Accept-Encoding", "br, gzip")])

    assert answer.body == edge.ask(target).body
    assert b"secret" not in answer.body
    assert answer.headers["Content-Encoding"] is None


def test_a_post_to_a_file_with_a_copy_reaches_django(edge, copies) -> None:
    """By the URL of the client."""
    answer = edge.ask(SHIPPED, "POST", headers=[("Accept-Encoding", "br")], body=b"")

    assert answer.status == 404
    assert answer.headers["Content-Encoding"] is None


def test_what_did_not_change_is_not_sent_again(edge) -> None:
    """304, with what the cache is to keep."""
    known = edge.ask(CSS).headers["ETag"]
    answer = edge.ask(CSS, headers=[("If-None-Match", known)])

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["Cache-Control"] == "max-age=60, public"


def test_a_part_of_a_file_is_sent(edge) -> None:
    """As players of sound and video ask."""
    answer = edge.ask(CSS, headers=[("Range", "bytes=0-3")])

    assert (answer.status, answer.body) == (206, b"body")
    assert answer.headers["Content-Range"] == "bytes 0-3/1500"


def test_head_is_answered(edge) -> None:
    """The length of the file, and nothing of it."""
    answer = edge.ask(CSS, "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "1500"


def test_a_name_is_found_by_its_encoding(edge, files) -> None:
    """With a blank and a letter that isn't ASCII."""
    assert edge.ask("/static/with%20space%20%C3%A9.txt").text == "spaced"


def test_a_missing_file_is_djangos_404(edge) -> None:
    """The project's own page, not the edge's, and no cache keeps it for a minute."""
    answer = edge.ask("/static/edgesite/missing.css")

    assert answer.status == 404
    assert "The requested resource was not found on this server." in answer.text
    assert answer.headers["Cache-Control"] is None


def test_a_view_below_static_is_reached(edge) -> None:
    """What was not collected may still be a view's."""
    assert edge.ask("/static/made/by/a/view.txt").text == "of a view"


@pytest.mark.parametrize("target", ["/static/", "/static/edgesite/", "/static/edgesite"])
def test_a_directory_is_not_listed(edge, target) -> None:
    """It is no file: Django's 404, and no redirect to the name with a slash."""
    answer = edge.ask(target)

    assert (answer.status, answer.headers["Location"]) == (404, None)
    assert "site.css" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND"])
def test_a_file_is_only_read(edge, method) -> None:
    """Django is asked, and it has no view there."""
    assert edge.ask(CSS, method, body=b"").status == 404
    assert edge.ask(CSS).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2fmanage.py",
        "/static/%2e%2e%2fmanage.py",
        "/static/edgesite/../../manage.py",
        "/static/.%2e/manage.py",
        "/static//../manage.py",
        "/static/..\\manage.py",
        "/static/%5c../manage.py",
        "/static/%252e%252e/manage.py",
        "/static../manage.py",
        "/static..%2fmanage.py",
        "/static/../../../../../../etc/passwd",
        "/static/%c0%ae%c0%ae/manage.py",
        "/static/..;/manage.py",
        "//static/../manage.py",
    ],
)
def test_nothing_outside_is_reached(edge, files, target) -> None:
    """However the way up is written."""
    answer = edge.ask(target)

    assert answer.status in (400, 404)
    assert b"django" not in answer.body
    assert b"root:" not in answer.body


@pytest.mark.parametrize("target", ["/static/.env", "/static/.git/config", "/static/%2eenv"])
def test_a_hidden_file_is_not_served(edge, files, target) -> None:
    """collectstatic takes none: what lies there is somebody's mistake."""
    answer = edge.ask(target)

    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.fixture(scope="session")
def uploads(project) -> None:
    (project / "uploaded").mkdir()
    (project / "uploaded" / "picture.svg").write_text("<svg/>")
    (project / "uploaded" / ".hidden").write_text("a secret")


@pytest.mark.usefixtures("uploads")
def test_media_is_not_served_unasked(edge) -> None:
    """Who may see an uploaded file is for the project to say."""
    assert edge.ask("/media/picture.svg").status == 404


@pytest.mark.usefixtures("uploads")
def test_media_is_served_when_asked_and_can_run_nothing(edge_with) -> None:
    """An uploaded page or picture may hold a script."""
    with edge_with(EDGE={"MEDIA": True}) as edge:
        answer = edge.ask("/media/picture.svg")

        assert (answer.status, answer.text) == (200, "<svg/>")
        assert answer.headers["Content-Type"] == "image/svg+xml"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "max-age=60, public"
        policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert answer.headers["Content-Security-Policy"] == policy
        for other in ("missing.svg", "", ".hidden", "../manage.py", "..%2fmanage.py"):
            assert edge.ask(f"/media/{other}").status == 404


@pytest.fixture(scope="session")
def links(project, uploads, tmp_path_factory) -> list[str]:
    """URLs below /media/ of symlinks that lead out of it."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("a secret")
    places = {
        "system.txt": Path("/etc/passwd"),
        "settings.txt": project / "edgesite/settings.py",
        "directory": outside,
    }
    for name, place in places.items():
        (project / "uploaded" / name).symlink_to(place)
    return ["/media/system.txt", "/media/settings.txt", "/media/directory/secret.txt"]


def test_a_symlink_in_media_is_not_followed(edge_with, links) -> None:
    """An archive that a view unpacks may contain one to any file of the machine."""
    with edge_with(EDGE={"MEDIA": True}) as edge:
        assert [edge.ask(link).status for link in links] == [404, 404, 404]
        assert edge.ask("/media/picture.svg").status == 200


@pytest.mark.usefixtures("uploads")
def test_media_root_may_be_a_symlink(edge_with, project) -> None:
    """As to a volume, or from each release to one directory."""
    real = (project / "uploaded").rename(project / "volume")
    (project / "uploaded").symlink_to(real)
    try:
        with edge_with(EDGE={"MEDIA": True}) as edge:
            assert edge.ask("/media/picture.svg").status == 200
    finally:
        (project / "uploaded").unlink()
        real.rename(project / "uploaded")


@pytest.mark.usefixtures("uploads")
@pytest.mark.parametrize("static_url", ["static/", "/app/static/", "/static/"])
def test_files_are_served_with_and_without_the_script_name(edge_with, static_url) -> None:
    """A proxy in front may remove FORCE_SCRIPT_NAME, or not."""
    environment = {"EDGESITE_SCRIPT_NAME": "/app", "EDGESITE_STATIC_URL": static_url}
    with edge_with(EDGE={"MEDIA": True}, environment=environment) as edge:
        for path in (CSS, "/media/picture.svg"):
            for prefix in ("", "/app"):
                answer = edge.ask(f"{prefix}{path}")
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "max-age=60, public"


WHITENOISE_HEADERS = ("Cache-Control", "Access-Control-Allow-Origin", "Content-Type")


@pytest.mark.parametrize(
    ("setting", "cached", "origin"),
    [
        ({}, "max-age=60, public", "*"),
        ({"WHITENOISE_MAX_AGE": 600}, "max-age=600, public", "*"),
        ({"WHITENOISE_MAX_AGE": 0}, "max-age=0, public", "*"),
        ({"WHITENOISE_MAX_AGE": None}, None, "*"),
        ({"WHITENOISE_ALLOW_ALL_ORIGINS": False}, "max-age=60, public", None),
    ],
    ids=str,
)
def test_static_files_have_the_headers_of_whitenoise(edge_with, setting, cached, origin) -> None:
    """Where the project has its middleware."""
    environment = {"EDGESITE_WHITENOISE": json.dumps({"X": 1, **setting})}
    with edge_with(environment=environment) as edge:
        answer = edge.ask(CSS)

        assert [answer.headers[name] for name in WHITENOISE_HEADERS] == [
            cached,
            origin,
            "text/css; charset=utf-8",
        ]


def test_whitenoise_itself_serves_where_a_function_sets_the_headers(edge_with) -> None:
    """The edge can't call it; here the servers behind have no WhiteNoise, and answer 404."""
    environment = {"EDGESITE_WHITENOISE": json.dumps({"WHITENOISE_IMMUTABLE_FILE_TEST": "x"})}
    with edge_with(environment=environment) as edge:
        assert edge.ask(CSS).status == 404


SECURITY = {
    "SECURE_HSTS_SECONDS": 60,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_REFERRER_POLICY": ["no-referrer", "origin"],
}
SECURITY_HEADERS = (
    "Strict-Transport-Security",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "X-Content-Type-Options",
)


@pytest.mark.usefixtures("uploads")
def test_files_have_the_headers_of_the_security_middleware(edge_with, copies) -> None:
    """HSTS by HTTPS alone; what Django answers below the same prefix has no second header."""
    environment = {"EDGESITE_SECURITY": json.dumps(SECURITY)}
    more = {"TRUSTED_PROXIES": ["127.0.0.1"], "MEDIA": True}
    with edge_with(EDGE=more, environment=environment) as edge:
        for path in (CSS, SHIPPED, "/media/picture.svg"):
            for scheme, hsts in (("https", ["max-age=60; includeSubDomains"]), ("http", [])):
                headers = [("X-Forwarded-Proto", scheme), ("Accept-Encoding", "br")]
                answer = edge.ask(path, headers=headers)
                assert answer.status == 200
                assert [answer.headers.get_all(name, []) for name in SECURITY_HEADERS] == [
                    hsts,
                    ["no-referrer,origin"],
                    ["same-origin"],
                    ["nosniff"],
                ]
        for path in ("/static/missing.css", "/static/made/by/a/view.txt", "/sync/"):
            headers = edge.ask(path, headers=[("X-Forwarded-Proto", "https")]).headers
            # The servers behind have no such middleware.
            assert [headers[name] for name in SECURITY_HEADERS] == [None] * 4


def test_without_the_security_middleware_files_have_none_of_its_headers(edge) -> None:
    """But the one that no file goes without."""
    headers = edge.ask(CSS).headers

    assert [headers[name] for name in SECURITY_HEADERS] == [None, None, None, "nosniff"]
