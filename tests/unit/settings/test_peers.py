"""TANDEM["PEERS"]: addresses of other hosts, and a secret that no message has."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Peer, Role
from django_tandem.settings import has_direct_gateway, read_roles, read_settings, with_secret

SECRET = "0123456789abcdef0123456789abcdef"
EXPECTED = (
    "Expected at least 32 letters, digits and other ASCII characters, without spaces, quotes, "
    "semicolons, hashes, backslashes and dollar signs"
)
HINT = '  Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`.'


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("wsgi:9000", "wsgi", 9000),
        ("web_1.prod.svc.cluster.local:80", "web_1.prod.svc.cluster.local", 80),
        ("10.0.0.5:9000", "10.0.0.5", 9000),
        ("[fd00::5]:9000", "fd00::5", 9000),
    ],
)
def test_a_peer_is_a_host_and_a_port(text, host, port) -> None:
    """A name or an IP address, which is written as it was given."""
    peers = read_settings({"PEERS": {"WSGI": [text]}}).peers

    assert peers.wsgi == (Peer(host=host, port=port),)
    assert str(peers.wsgi[0]) == text
    assert peers.wsgi[0].is_name == ("." not in host[:3] and ":" not in host and host[0] == "w")


@pytest.mark.parametrize(
    "text", ["wsgi", "wsgi:0", "wsgi:65536", ":9000", "http://wsgi:9000", "10.0.0:9000", "a b:1"]
)
def test_anything_else_is_an_error(text) -> None:
    """It names the entry and its value."""
    with pytest.raises(SettingError) as error:
        read_settings({"PEERS": {"ASGI": [text]}})

    assert str(error.value) == (
        'TANDEM["PEERS"]["ASGI"][0]: Expected an address such as "wsgi:9000", "10.0.0.5:9000" or '
        f"\"[fd00::5]:9000\", got '{text}'."
    )


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("too-short", "9 characters"),
        (SECRET + "$", "33 characters"),
        (SECRET + " ", "32 and 0 characters"),
        (f"{SECRET} short", "32 and 5 characters"),
        (f"{SECRET} #{SECRET}", "32 and 33 characters"),
        (None, "NoneType"),
    ],
)
def test_no_message_has_the_secret(value, given) -> None:
    """An error is logged, and a representation may be."""
    with pytest.raises(SettingError) as error:
        read_settings({"PEERS": {"SECRET": value}})

    assert str(error.value) == f'TANDEM["PEERS"]["SECRET"]: {EXPECTED}, got {given}.\n{HINT}'
    assert SECRET not in repr(read_settings({"PEERS": {"SECRET": SECRET}}))


def test_one_secret_may_replace_another() -> None:
    """Both are read for a time."""
    both = f"new-{SECRET} old-{SECRET}"

    assert read_settings({"PEERS": {"SECRET": both}}).peers.secret == both


def test_the_environment_has_the_secret_that_the_settings_lack(tmp_path) -> None:
    """The settings take precedence, and the variable over the file."""
    file = tmp_path / "secret"
    file.write_text(f"file-{SECRET}\n")
    variables = {"TANDEM_SECRET": f"variable-{SECRET}", "TANDEM_SECRET_FILE": str(file)}
    empty, own = read_settings(None), read_settings({"PEERS": {"SECRET": SECRET}})

    assert with_secret(own, variables).peers.secret == SECRET
    assert with_secret(empty, variables).peers.secret == f"variable-{SECRET}"
    assert with_secret(empty, {"TANDEM_SECRET_FILE": str(file)}).peers.secret == f"file-{SECRET}"
    assert with_secret(empty, {}).peers.secret == ""


def test_a_secret_of_the_environment_is_checked_too(tmp_path) -> None:
    """The message names the variable."""
    missing, empty = str(tmp_path / "missing"), tmp_path / "empty"
    empty.write_text("\n")
    for name, value, message in (
        ("TANDEM_SECRET", "short", f"TANDEM_SECRET: {EXPECTED}, got 5 characters.\n{HINT}"),
        (
            "TANDEM_SECRET_FILE",
            missing,
            f'TANDEM_SECRET_FILE is "{missing}", which can\'t be read: No such file or directory.\n'
            "  Name a file that the user of the stack may read, with the secret alone in it.",
        ),
        (
            "TANDEM_SECRET_FILE",
            str(empty),
            f'TANDEM_SECRET_FILE is "{empty}", which is empty.\n{HINT}',
        ),
    ):
        with pytest.raises(SettingError) as error:
            with_secret(read_settings(None), {name: value})
        assert str(error.value) == message


def test_the_environment_has_the_roles() -> None:
    """An empty variable is none."""
    assert read_roles({"TANDEM_ROLE": "edge,wsgi"}) == {Role.EDGE, Role.WSGI}
    assert read_roles({"TANDEM_ROLE": ""}) is read_roles({}) is None
    with pytest.raises(SettingError) as error:
        read_roles({"TANDEM_ROLE": "web"})

    assert str(error.value) == (
        'TANDEM_ROLE: Expected roles such as "edge,wsgi", of edge, wsgi, asgi and workers, or '
        '"all", got "web".'
    )


def test_the_gateway_is_one_of_the_environment() -> None:
    """Whether a process is behind one depends on where it runs, and not on the project."""
    assert has_direct_gateway({"TANDEM_GATEWAY": "direct"})
    assert not has_direct_gateway({"TANDEM_GATEWAY": "edge"})
    assert not has_direct_gateway({})
    with pytest.raises(SettingError) as caught:
        has_direct_gateway({"TANDEM_GATEWAY": "nginx"})

    assert str(caught.value) == ('TANDEM_GATEWAY is "nginx".\n  Set it to "direct" or "edge".')
