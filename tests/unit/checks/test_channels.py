"""Messages must reach other processes, and WebSockets come from the site's own pages."""

import sys
from dataclasses import replace
from importlib.metadata import version
from types import ModuleType, SimpleNamespace

import pytest
from checks.gathered import facts
from checks.messages import contents, ids
from django.test import override_settings
from packaging.version import Version

from builders import host, verdict, websocket
from django_tandem.checks.channels import (
    client_waits_long_enough,
    events_are_shared,
    layer_is_shared,
    layer_options_are_known,
    layer_works_once_a_process,
    mailboxes_have_limits,
    origin_is_checked,
    read_layers,
    read_wrong_mailboxes,
    senders_have_a_layer,
    worker_has_a_layer,
)
from django_tandem.checks.facts import Layer
from django_tandem.model import Stack
from django_tandem.project.asgi_routes import AsgiFacts
from django_tandem.project.loading import IN_MEMORY_LAYER

REDIS = Layer(alias="default", backend="channels_redis.core.RedisChannelLayer")
MEMORY = Layer(alias="default", backend=IN_MEMORY_LAYER)
WEBSOCKET = AsgiFacts(has_websocket=True, checks_origin=True)
WORKER = AsgiFacts(channel_names=("closing", "mail"))
TAKE_REDIS = (
    'Use "channels_redis.core.RedisChannelLayer" with '
    '{"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]}. '
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.'
)


SETTING = (
    'CHANNEL_LAYERS["default"]["BACKEND"] is "channels.layers.InMemoryChannelLayer", which keeps '
    "messages in one process"
)
ON_WSGI = verdict("/buy/")
SOCKET = websocket("/ws/")
TWO_CPUS = host(cpus=2.0)


@pytest.mark.parametrize(
    ("known", "lost", "instead"),
    [
        ({"application": WORKER}, "messages never reach the Channels worker", ""),
        (
            {"application": WEBSOCKET, "senders": ("chat.views", "shop.signals")},
            "messages that chat.views, shop.signals sends on WSGI never reach a WebSocket",
            "",
        ),
        (
            {"application": WEBSOCKET, "on": TWO_CPUS, "tandem": {"ASGI": {"WORKERS": 2}}},
            "a message reaches only the sockets of one of 2 ASGI processes",
            ' Or set TANDEM["ASGI"]["WORKERS"] to 1.',
        ),
    ],
)
def test_a_layer_in_memory_is_an_error_where_messages_get_lost(known, lost, instead) -> None:
    """The message says which: to a worker, from WSGI, or between processes."""
    found = facts(ON_WSGI, SOCKET, layers=(MEMORY,), **known)

    assert contents(layer_is_shared(found)) == [
        ("tandem.E003", "CHANNEL_LAYERS", f"{SETTING}: {lost}.", f"{TAKE_REDIS}{instead}")
    ]


def test_a_layer_in_memory_is_a_warning_where_only_consumers_of_one_process_send() -> None:
    """Then each message reaches its sockets, as long as there is one process."""
    found = facts(ON_WSGI, SOCKET, application=WEBSOCKET, layers=(MEMORY,))

    assert contents(layer_is_shared(found)) == [
        (
            "tandem.W010",
            "CHANNEL_LAYERS",
            f"{SETTING}, so `tandem up` starts only one ASGI process.",
            "Views on WSGI can't send to it, and a reload separates old sockets from new. "
            f"{TAKE_REDIS}",
        )
    ]


def test_a_layer_in_memory_is_a_warning_where_up_may_replace_it() -> None:
    """`manage.py check` reads the settings without the REDIS_URL of `tandem up`."""
    found = facts(
        ON_WSGI,
        SOCKET,
        application=WEBSOCKET,
        layers=(MEMORY,),
        senders=("chat.views",),
        offers_redis=True,
    )

    assert contents(layer_is_shared(found)) == [
        (
            "tandem.W001",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"]["BACKEND"] is "channels.layers.InMemoryChannelLayer", which '
            "`tandem up` refuses to start with (tandem.E003).",
            "`tandem up` sets REDIS_URL, which is not set here: read it in CHANNEL_LAYERS. "
            "Settings that read it already need no change.",
        )
    ]


def test_every_layer_in_memory_is_named() -> None:
    """A layer beside the default one is there to be used too."""
    second = replace(MEMORY, alias="second")
    messages = layer_is_shared(facts(application=WEBSOCKET, layers=(REDIS, second)))

    assert [message.msg.partition(" is ")[0] for message in messages] == [
        'CHANNEL_LAYERS["second"]["BACKEND"]'
    ]


def test_a_layer_in_memory_without_a_receiver_is_no_finding() -> None:
    """There is neither a WebSocket nor a Channels worker."""
    assert ids(layer_is_shared(facts(layers=(MEMORY,)))) == []


@pytest.mark.parametrize("application", [WEBSOCKET, WORKER])
def test_a_client_that_times_out_before_redis_answers_is_a_warning(application) -> None:
    """The hint has the setting to change."""
    found = facts(application=application, layers=(replace(REDIS, wait_s=5, read_timeout_s=5.0),))

    assert contents(client_waits_long_enough(found)) == [
        (
            "tandem.W007",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"] times out after 5 s without an answer from Redis, and waits '
            "5 s for a message: an idle WebSocket or Channels worker ends with a TimeoutError.",
            'Write its host as {"address": os.environ["REDIS_URL"], "socket_timeout": None}: '
            "redis-py 8 has a timeout by default.",
        )
    ]


@pytest.mark.parametrize(
    ("wait_s", "read_timeout_s"), [(5, None), (5, 6.0), (None, 5.0), (None, None)]
)
def test_a_client_that_waits_longer_is_fine(wait_s, read_timeout_s) -> None:
    """Nor does a layer matter that does not wait in Redis."""
    layer = replace(REDIS, wait_s=wait_s, read_timeout_s=read_timeout_s)

    assert ids(client_waits_long_enough(facts(application=WEBSOCKET, layers=(layer,)))) == []


def test_a_layer_without_a_receiver_is_no_finding() -> None:
    """Redis answers a sender at once."""
    layer = replace(REDIS, wait_s=5, read_timeout_s=5.0)

    assert ids(client_waits_long_enough(facts(layers=(layer,)))) == []


# Before redis-py 8, which has one by default.
HAS_TIMEOUT = Version(version("redis")) >= Version("8")


@pytest.mark.parametrize(
    ("config", "is_imported"),
    [
        ({}, HAS_TIMEOUT),
        ({"hosts": ["redis://cache:6379/1"]}, HAS_TIMEOUT),
        ({"hosts": [{"address": "redis://cache:6379/1", "socket_timeout": None}]}, False),
        ({"hosts": [{"address": "redis://cache:6379/1", "socket_timeout": 5}]}, True),
        ({"hosts": [{"address": "redis://cache?socket_timeout=5", "socket_timeout": None}]}, True),
        ({"hosts": ["redis://cache:6379/1?socket_timeout=5"]}, True),
    ],
)
def test_a_layer_is_imported_only_where_its_client_may_time_out(
    monkeypatch, config, is_imported
) -> None:
    """The client of Redis takes a tenth of a reload's CPU time to import."""
    read = []

    class Recorder(ModuleType):
        def __getattr__(self, name: str) -> object:
            read.append(name)
            raise AttributeError(name)

    monkeypatch.setitem(sys.modules, "shop_layers", Recorder("shop_layers"))
    with override_settings(
        CHANNEL_LAYERS={"default": {"BACKEND": "shop_layers.Layer", "CONFIG": config}}
    ):
        tuple(read_layers())

    assert ("Layer" in read) is is_imported


def test_a_channels_worker_without_a_layer_is_an_error() -> None:
    """`runworker` ends at once, and the stack with it."""
    assert contents(worker_has_a_layer(facts(application=WORKER))) == [
        (
            "tandem.E004",
            "CHANNEL_LAYERS",
            "CHANNEL_LAYERS is not set, and the Channels worker for closing, mail can't start "
            "without it.",
            f'{TAKE_REDIS} Or set TANDEM["CHANNEL_WORKERS"] to [].',
        )
    ]


def test_the_channel_workers_of_the_setting_count() -> None:
    """TANDEM["CHANNEL_WORKERS"] replaces the names of the ChannelNameRouter, also with []."""
    without, with_one = {"CHANNEL_WORKERS": []}, {"CHANNEL_WORKERS": ["thumbnails"]}

    assert ids(worker_has_a_layer(facts(application=WORKER, tandem=without))) == []
    assert ids(worker_has_a_layer(facts(tandem=with_one))) == ["tandem.E004"]
    assert ids(worker_has_a_layer(facts(application=WORKER, layers=(REDIS,)))) == []


def test_a_sender_without_a_layer_is_a_warning() -> None:
    """It fails with an exception, and only where it is called."""
    found = facts(application=WEBSOCKET, senders=("chat.signals", "chat.views"))

    assert contents(senders_have_a_layer(found)) == [
        (
            "tandem.W002",
            "CHANNEL_LAYERS",
            "CHANNEL_LAYERS is not set, so get_channel_layer() is None in chat.signals, "
            "chat.views.",
            TAKE_REDIS,
        )
    ]


def test_a_websocket_that_only_echoes_needs_no_layer() -> None:
    """No module of the project imports get_channel_layer."""
    found = facts(application=WEBSOCKET)

    assert [*senders_have_a_layer(found), *layer_is_shared(found)] == []


def test_websockets_open_to_every_site_are_a_warning() -> None:
    """The browser sends the user's cookies with a handshake from any page."""
    found = facts(SOCKET, application=AsgiFacts(has_websocket=True))

    assert contents(origin_is_checked(found)) == [
        (
            "tandem.W005",
            "config.asgi.application",
            '"config.asgi.application" accepts WebSockets from pages of any site: not all of them '
            "are behind an OriginValidator.",
            'Wrap the application under "websocket" in AllowedHostsOriginValidator, from '
            "channels.security.websocket.",
        )
    ]


def test_guarded_websockets_and_none_at_all_are_fine() -> None:
    """Neither is a finding."""
    assert ids(origin_is_checked(facts(application=WEBSOCKET))) == []
    assert ids(origin_is_checked(facts())) == []


STREAM = verdict("/events/", Stack.ASGI)


@pytest.mark.parametrize(
    ("senders", "sent"),
    [
        ((), "send_event()"),
        (("shop.signals", "shop.views"), "send_event() of shop.signals, shop.views"),
    ],
)
def test_events_that_stay_in_a_process_of_wsgi_are_an_error(senders, sent) -> None:
    """The senders are named where they are known."""
    found = facts(ON_WSGI, STREAM, events_in_process=True, event_senders=senders)

    assert contents(events_are_shared(found)) == [
        (
            "tandem.E010",
            "EVENTSTREAM_REDIS",
            f"EVENTSTREAM_REDIS is not set, so {sent} reaches only the clients of its own "
            "process: what a view on WSGI sends never reaches an event stream on ASGI.",
            'Set it, for example to {"host": "127.0.0.1"}, to a Redis or Valkey server.',
        )
    ]


def test_events_that_stay_in_one_of_several_asgi_processes_are_an_error() -> None:
    """Streams of the other processes miss them."""
    found = facts(STREAM, SOCKET, events_in_process=True, on=TWO_CPUS)
    (message,) = events_are_shared(found)

    assert message.msg.endswith(
        ": an event sent in one of 2 ASGI processes misses the streams of the rest."
    )


def test_events_that_reach_every_stream_are_fine() -> None:
    """By Redis or a GRIP proxy, or because one ASGI process does everything."""
    assert ids(events_are_shared(facts(ON_WSGI, STREAM))) == []
    assert ids(events_are_shared(facts(STREAM, events_in_process=True))) == []


@pytest.mark.parametrize(
    ("backend", "work"),
    [
        (
            "channels_redis.core.RedisChannelLayer",
            "lists each member of a group in each message to it",
        ),
        (
            "channels_redis.pubsub.RedisPubSubChannelLayer",
            "decodes each message to a group once for each of its members",
        ),
    ],
)
def test_a_layer_that_works_for_each_member_is_information(backend, work) -> None:
    """With what ours does."""
    layer = Layer(alias="default", backend=backend)

    found = contents(layer_works_once_a_process(facts(application=WEBSOCKET, layers=(layer,))))

    assert found == [
        (
            "tandem.I003",
            "CHANNEL_LAYERS",
            f'CHANNEL_LAYERS["default"]["BACKEND"] is "{backend}", which {work}.',
            '"django_tandem.channels.RedisLayer" has one subscription for all members in a '
            "process, and decodes a message once there. CONFIG stays unchanged.",
        )
    ]


@pytest.mark.parametrize(
    ("application", "backend"),
    [
        (WEBSOCKET, "django_tandem.channels.RedisLayer"),
        (WEBSOCKET, "project.layers.Own"),
        (WORKER, "channels_redis.core.RedisChannelLayer"),
    ],
)
def test_other_layers_and_projects_without_websockets_are_fine(application, backend) -> None:
    """A worker's messages have one receiver each."""
    layer = Layer(alias="default", backend=backend)

    assert ids(layer_works_once_a_process(facts(application=application, layers=(layer,)))) == []


def test_a_mailbox_with_an_unknown_limit_is_an_error(monkeypatch) -> None:
    """Each handshake of the consumer would fail."""
    base = type("AsyncConsumer", (), {})
    # Other tests have no such consumers.
    monkeypatch.setitem(sys.modules, "channels.consumer", SimpleNamespace(AsyncConsumer=base))
    right = type("Right", (base,), {"tandem_mailbox": 1, "tandem_slow_client": "latest"})
    mixin = type("Mixin", (), {"tandem_mailbox": 0, "tandem_slow_client": "drop-oldest"})
    wrong = type("Wrong", (mixin, right), {})
    name = f"{wrong.__module__}.Wrong"
    found = facts(SOCKET, wrong_mailboxes=tuple(read_wrong_mailboxes()))

    assert contents(mailboxes_have_limits(found)) == [
        (
            "tandem.E018",
            name,
            f"{name}.tandem_mailbox is 0.",
            "Expected an integer of at least 1. Each of its WebSockets would fail.",
        ),
        (
            "tandem.E018",
            name,
            f"{name}.tandem_slow_client is 'drop-oldest'.",
            'Expected "close", "drop_oldest" or "latest". Each of its WebSockets would fail.',
        ),
    ]


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("capcity", 'Did you mean "capacity"?'),
        (
            "on_disconnect",
            "The options are hosts, prefix, expiry, group_expiry, capacity, channel_capacity, "
            "symmetric_encryption_keys, random_prefix_length, serializer_format, cluster.",
        ),
    ],
)
def test_an_unknown_option_of_our_layer_is_an_error(option, hint) -> None:
    """Django makes the layer at its first use, in a request."""
    backend = "django_tandem.channels.RedisLayer"
    layers = {
        "default": {"BACKEND": backend, "CONFIG": {"prefix": "site", option: 1}},
        "right": {"BACKEND": backend},
        "other": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {option: 1}},
    }
    with override_settings(CHANNEL_LAYERS=layers):
        read = tuple(read_layers())

    assert contents(layer_options_are_known(facts(layers=read))) == [
        (
            "tandem.E019",
            "CHANNEL_LAYERS",
            f'CHANNEL_LAYERS["default"]["CONFIG"]["{option}"] is not an option of "{backend}", so '
            "each use of the layer would fail.",
            hint,
        )
    ]
