"""The edge's headers are read by one rule."""

import pytest

from django_tandem.inprocess.proxy_headers import (
    Forwarded,
    RequestTarget,
    read_forwarded,
    split_host,
    split_target,
)


def forwarded(**headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_forwarded(lambda name: names.get(name, ""))


def test_a_request_without_the_edges_header_is_not_normalized():
    """It reached the socket directly, and its headers are not trusted."""
    assert forwarded(host="a.example", x_forwarded_proto="https") is None


def test_client_scheme_and_port_come_from_the_edge():
    """Each comes from its own header, the name from Host."""
    read = forwarded(
        x_real_ip="::1", x_forwarded_proto="https", x_forwarded_port="8443", host="a.example:1"
    )

    assert read == Forwarded(client="::1", scheme="https", server="a.example", port=8443)


@pytest.mark.parametrize(
    ("headers", "port"),
    [
        ({"host": "a.example:81"}, 81),
        ({"host": "a.example"}, 80),
        ({"host": "a.example", "x_forwarded_proto": "https"}, 443),
        ({"host": "a.example", "x_forwarded_port": "none"}, 80),
        ({"host": "a.example:99999999"}, 80),
    ],
)
def test_the_port_is_the_edges_else_the_hosts_else_the_schemes(headers, port):
    """An invalid port counts as none."""
    assert forwarded(x_real_ip="10.0.0.1", **headers).port == port


def test_a_request_without_a_host_is_for_localhost():
    """Django requires a name."""
    assert forwarded(x_real_ip="10.0.0.1").server == "localhost"


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("a.example:80", ("a.example", 80)),
        ("[::1]:80", ("[::1]", 80)),
        ("[::1]", ("[::1]", 0)),
        ("a.example:", ("a.example", 0)),
        ("", ("", 0)),
    ],
)
def test_a_host_is_a_name_and_a_port(host, parts):
    """The colons of an IPv6 address do not begin a port."""
    assert split_host(host) == parts


@pytest.mark.parametrize(
    ("raw", "path_info", "query"),
    [
        (b"/a%20b?x=1", b"/a b", "x=1"),
        (b"//a///b", b"//a///b", ""),
        (b"/a%2Fb?%41", b"/a/b", "%41"),
        (b"/%ff?q=\xc3\xa9&r", b"/\xff", "q=%C3%A9&r"),
        (b"/a?b?c", b"/a", "b?c"),
        (b"/a?b#c", b"/a", "b"),
        (b"/a#b?c", b"/a", ""),
        (b"", b"/", ""),
    ],
)
def test_a_target_is_a_decoded_path_and_a_query_as_it_came(raw, path_info, query):
    """The path is octets, and the query keeps its encoding."""
    assert split_target(raw, "") == RequestTarget(script_name="", path_info=path_info, query=query)


@pytest.mark.parametrize(
    ("raw", "path_info"),
    [
        (b"/app/lots/", b"/lots/"),
        (b"/lots/", b"/lots/"),
        (b"/app", b"/"),
        (b"/apple/", b"/apple/"),
        (b"/%61pp/lots/", b"/lots/"),
    ],
)
def test_the_script_name_is_taken_off_where_it_is_there(raw, path_info):
    """A proxy may have stripped it already, and a longer segment is another."""
    assert split_target(raw, "/app").path_info == path_info
