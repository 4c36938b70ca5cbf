"""The environ is normalized like the scope of the same request."""

import os

import pytest

from django_tandem.inprocess.proxy_headers import WsgiProxyHeaders

EDGE = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "PATH_INFO": "/",
    "HTTP_HOST": "a.example",
    "HTTP_X_REAL_IP": "10.0.0.1",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_PORT": "443",
}


def seen(environ, script_name=""):
    environs = []
    WsgiProxyHeaders(lambda environ, _: environs.append(environ), script_name)(environ, None)
    return environs[0]


def test_a_request_that_did_not_come_through_the_edge_is_left_alone():
    """Without the edge's headers the server knows best."""
    environ = {"PATH_INFO": "/", "HTTP_X_FORWARDED_PROTO": "https", "RAW_URI": "/"}

    assert seen(environ) is environ


def test_scheme_client_and_server_come_from_the_edge():
    """They replace what the server knows of its socket."""
    environ = seen({**EDGE, "REMOTE_ADDR": "", "SERVER_PORT": "/run/wsgi.sock"})

    assert environ["wsgi.url_scheme"] == "https"
    assert environ["REMOTE_ADDR"] == environ["REMOTE_HOST"] == "10.0.0.1"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("a.example", "443")


def test_what_names_the_server_is_dropped():
    """A view sees neither the server nor the environment of its process."""
    own = {"SERVER_SOFTWARE": "x", "gunicorn.socket": object(), **os.environ}

    assert not set(own) & set(seen({**EDGE, **own}))


def test_headers_of_the_connection_are_dropped():
    """They are between the edge and the server, and each server has its own."""
    dropped = {"HTTP_CONNECTION": "close", "HTTP_TE": "trailers", "CONTENT_TYPE": ""}

    assert not set(dropped) & set(seen({**EDGE, **dropped}))


def test_the_path_is_that_of_the_request_line():
    """Some servers normalize slashes or dots in the path."""
    environ = seen({**EDGE, "PATH_INFO": "/b", "REQUEST_URI": "//a/../%62?q=%41"})

    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("//a/../b", "q=%41")


def test_a_server_without_the_request_line_has_the_path():
    """Granian passes the octets of the path, and the query as it came."""
    environ = seen({**EDGE, "PATH_INFO": "/a b/\xc3\xa9\xff%", "QUERY_STRING": "q=%41"})

    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a b/\xc3\xa9\xff%", "q=%41")


def test_the_script_name_comes_from_the_project_alone():
    """FORCE_SCRIPT_NAME comes off the path, if it is there."""
    environ = seen({**EDGE, "SCRIPT_NAME": "/evil", "RAW_URI": "/app/lots/"}, "/app")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", "/lots/")


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
def test_the_raw_target_keeps_its_servers_name(key):
    """It alone distinguishes an encoded slash from a slash."""
    environ = seen({**EDGE, key: "/x/a%2Fb?q=%20"})

    assert (environ[key], environ["PATH_INFO"]) == ("/x/a%2Fb?q=%20", "/x/a/b")
