"""Settings that no cluster can carry out are refused, each with the way out."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Database
from unit.render.kubernetes.manifests import PEERS, cluster, files

TLS = {"CERTIFICATE": "/etc/tls/tls.crt", "KEY": "/etc/tls/tls.key"}
PEER_TLS = {"CERTIFICATE": "/etc/a/tls.crt", "KEY": "/etc/a/tls.key", "CA": "/etc/b/ca.crt"}

CASES = [
    (
        {"KUBERNETES": {}},
        'TANDEM["KUBERNETES"]["IMAGE"] is not set, so a pod has no image to run.\n'
        '  Name it without a tag, such as "IMAGE": "registry.example.com/mysite".',
    ),
    (
        {"HEALTH": "unix"},
        'TANDEM["HEALTH"] has no address that a cluster reaches.\n'
        '  Set it to an address of the pod, such as "HEALTH": ":8001".',
    ),
    (
        {"HEALTH": "127.0.0.1:8001"},
        'TANDEM["HEALTH"] is 127.0.0.1:8001, which nothing outside of the pod reaches.\n'
        '  Set it to an address of the pod, such as "HEALTH": ":8001".',
    ),
    (
        {"METRICS": "localhost:8002"},
        'TANDEM["METRICS"] is 127.0.0.1:8002, which nothing outside of the pod reaches.\n'
        '  Set it to an address of the pod, such as "METRICS": ":8002".',
    ),
    (
        {"EDGE": {"TLS": TLS}},
        'TANDEM["EDGE"]["TLS"] is set, and in a cluster the Gateway serves HTTPS.\n'
        "  Leave TLS out there: the Gateway sends plain HTTP to the edge.",
    ),
    (
        {"PEERS": {"WSGI": ["wsgi:9000"]}},
        'TANDEM["PEERS"]["ASGI"] is empty, and names the Service of the ASGI pods.\n'
        '  Name one: "PEERS": {"ASGI": ["asgi:9001"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["10.0.0.5:9000"]}},
        'TANDEM["PEERS"]["WSGI"] is 10.0.0.5:9000, and the WSGI pods have one Service '
        "with a name of DNS.\n"
        '  Name one: "PEERS": {"WSGI": ["wsgi:9000"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["wsgi-1:9000", "wsgi-2:9000"]}},
        'TANDEM["PEERS"]["WSGI"] is wsgi-1:9000, wsgi-2:9000, and the WSGI pods have one '
        "Service with a name of DNS.\n"
        '  Name one: "PEERS": {"WSGI": ["wsgi:9000"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["my_wsgi:9000"]}},
        'TANDEM["PEERS"]["WSGI"] is my_wsgi:9000, and the WSGI pods have one Service with a name '
        "of DNS.\n"
        '  Name one: "PEERS": {"WSGI": ["wsgi:9000"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["asgi:9000"]}},
        'TANDEM["PEERS"]["ASGI"] is asgi:9001, and "asgi" is the Service of asgi:9000 in '
        'TANDEM["PEERS"]["WSGI"].\n'
        '  Name another one for each stack, such as "PEERS": {"WSGI": ["wsgi:9000"], '
        '"ASGI": ["asgi:9001"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["mysite-edge:9000"]}},
        'TANDEM["PEERS"]["WSGI"] is mysite-edge:9000, and "mysite-edge" is the Service of the '
        "edge.\n"
        '  Name another one for each stack, such as "PEERS": {"WSGI": ["wsgi:9000"], '
        '"ASGI": ["asgi:9001"]}.',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["wsgi.mysite.svc:9000"]}},
        'TANDEM["PEERS"]["WSGI"] is wsgi.mysite.svc:9000, and NGINX resolves a name with a dot as '
        "it is written, without the domain of the cluster.\n"
        '  Name the Service alone, "wsgi:9000", or with that domain, such as '
        '"wsgi.mysite.svc.cluster.local:9000".',
    ),
    (
        {"PEERS": {**PEERS, "WSGI": ["wsgi:9100"]}},
        'TANDEM["PEERS"]["WSGI"] is wsgi:9100, and the WSGI pods listen on 0.0.0.0:9000.\n'
        '  Set TANDEM["WSGI"]["BIND"] to ":9100".',
    ),
    (
        {"ASGI": {"BIND": "127.0.0.1:9001"}},
        'TANDEM["PEERS"]["ASGI"] is asgi:9001, and the ASGI pods listen on 127.0.0.1:9001.\n'
        '  Set TANDEM["ASGI"]["BIND"] to ":9001".',
    ),
    (
        {"PEERS": {**PEERS, "TLS": PEER_TLS}},
        'TANDEM["PEERS"]["TLS"] names /etc/a/tls.crt, /etc/a/tls.key, /etc/b/ca.crt, and a pod '
        "has one directory for them.\n"
        '  Name absolute paths in one directory, such as "/etc/tandem/tls.crt".',
    ),
]


@pytest.mark.parametrize(("tandem", "error"), CASES)
def test_a_setting_that_no_cluster_can_carry_out_is_refused(tandem, error) -> None:
    """The first sentence names the setting, the second what to do."""
    with pytest.raises(SettingError) as raised:
        files(cluster(tandem=tandem))

    assert str(raised.value) == error


@pytest.mark.parametrize(
    "choices", [{"AUTOSCALER": "hpa"}, {"AUTOSCALER": "keda"}, {"POD_MONITOR": True}]
)
def test_what_measures_needs_an_address_of_the_monitor(choices) -> None:
    """Without METRICS there is nothing to scrape, and nothing to scale by."""
    with pytest.raises(SettingError) as raised:
        files(cluster(tandem={"METRICS": None}, **choices))

    assert str(raised.value) == (
        'TANDEM["METRICS"] has no address that a cluster reaches.\n'
        '  Set it to an address of the pod, such as "METRICS": ":8002".'
    )


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"debug": True}, "DEBUG is True, and an image is for production."),
        (
            {"databases": (Database(alias="default", vendor="sqlite"),)},
            'DATABASES["default"] is SQLite, a file that containers do not share.',
        ),
        (
            {"has_local_layer": True},
            "CHANNEL_LAYERS has an InMemoryChannelLayer, which containers do not share.",
        ),
    ],
)
def test_what_pods_do_not_share_is_refused(facts, error) -> None:
    """As in compose.yaml."""
    with pytest.raises(SettingError) as raised:
        files(cluster(project=facts))

    assert raised.value.message == error
