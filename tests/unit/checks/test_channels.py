"""Messages must be able to leave their process, and WebSockets be opened by their own site only."""

from dataclasses import replace

import pytest
from checks.saying import ids, told

from django_tandem.checks.channels import (
    IN_MEMORY,
    client_is_patient,
    layer_leaves_its_process,
    origin_is_checked,
    senders_have_a_layer,
    worker_has_a_layer,
)
from django_tandem.checks.facts import Facts, Layer
from django_tandem.project.channels import Application
from django_tandem.settings import read_settings

REDIS = Layer(alias="default", backend="channels_redis.core.RedisChannelLayer")
MEMORY = Layer(alias="default", backend=IN_MEMORY)
WEBSOCKET = Application(has_websocket=True, checks_origin=True)
WORKER = Application(channel_names=("closing", "mail"))
TAKE_REDIS = (
    'Take "channels_redis.core.RedisChannelLayer" with '
    '{"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]}. '
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.'
)


@pytest.mark.parametrize("application", [WEBSOCKET, WORKER])
def test_a_layer_in_memory_is_an_error_where_messages_go_between_processes(application) -> None:
    """What WSGI sends would be lost without a word."""
    facts = Facts(application=application, layers=(MEMORY,))

    assert told(layer_leaves_its_process(facts)) == [
        (
            "tandem.E003",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"]["BACKEND"] is "channels.layers.InMemoryChannelLayer", which '
            "keeps every message in its own process: what a view on WSGI sends never reaches a "
            "WebSocket or a Channels worker.",
            TAKE_REDIS,
        )
    ]


def test_a_layer_in_memory_is_a_warning_where_up_may_yet_replace_it() -> None:
    """`manage.py check` reads settings that were not offered the REDIS_URL of `tandem up`."""
    facts = Facts(application=WEBSOCKET, layers=(MEMORY,), will_offer_redis=True)

    assert told(layer_leaves_its_process(facts)) == [
        (
            "tandem.W001",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"]["BACKEND"] is "channels.layers.InMemoryChannelLayer", which '
            "`tandem up` refuses to start with (tandem.E003).",
            "`tandem up` sets REDIS_URL, which is not set here: read it in CHANNEL_LAYERS. "
            "If it is read already there is nothing to do.",
        )
    ]


def test_every_layer_in_memory_is_named() -> None:
    """A layer beside the default one is there to be used too."""
    second = replace(MEMORY, alias="second")
    messages = layer_leaves_its_process(Facts(application=WEBSOCKET, layers=(REDIS, second)))

    assert [message.msg.partition(" is ")[0] for message in messages] == [
        'CHANNEL_LAYERS["second"]["BACKEND"]'
    ]


def test_a_layer_in_memory_that_no_one_listens_to_is_left_alone() -> None:
    """Without a WebSocket and a Channels worker it is a leftover."""
    assert layer_leaves_its_process(Facts(layers=(MEMORY,))) == []


@pytest.mark.parametrize("application", [WEBSOCKET, WORKER])
def test_a_client_that_gives_up_while_redis_still_waits_is_a_warning(application) -> None:
    """The hint is the setting that cures it."""
    facts = Facts(application=application, layers=(replace(REDIS, wait_s=5, read_timeout_s=5.0),))

    assert told(client_is_patient(facts)) == [
        (
            "tandem.W007",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"] gives up on Redis after 5 s without an answer, and waits '
            "5 s for a message: a quiet WebSocket or Channels worker ends with a TimeoutError.",
            'Write its host as {"address": os.environ["REDIS_URL"], "socket_timeout": None}: '
            "redis-py 8 has a timeout of its own without it.",
        )
    ]


@pytest.mark.parametrize(
    ("wait_s", "read_timeout_s"), [(5, None), (5, 6.0), (None, 5.0), (None, None)]
)
def test_a_client_that_waits_longer_is_fine(wait_s, read_timeout_s) -> None:
    """And so is a layer that does not wait in Redis."""
    layer = replace(REDIS, wait_s=wait_s, read_timeout_s=read_timeout_s)

    assert client_is_patient(Facts(application=WEBSOCKET, layers=(layer,))) == []


def test_a_layer_that_nothing_waits_on_is_left_alone() -> None:
    """Sending alone is answered at once."""
    assert client_is_patient(Facts(layers=(replace(REDIS, wait_s=5, read_timeout_s=5.0),))) == []


def test_a_channels_worker_without_a_layer_is_an_error() -> None:
    """`runworker` ends at once, and the stack with it."""
    assert told(worker_has_a_layer(Facts(application=WORKER))) == [
        (
            "tandem.E004",
            "CHANNEL_LAYERS",
            "CHANNEL_LAYERS is not set, and the Channels worker for closing, mail can't start "
            "without it.",
            f'{TAKE_REDIS} Or set TANDEM["CHANNEL_WORKERS"] to [].',
        )
    ]


def test_the_channel_workers_that_are_set_are_those_that_count() -> None:
    """TANDEM["CHANNEL_WORKERS"] takes the place of the ChannelNameRouter's names, [] too."""
    without = read_settings({"CHANNEL_WORKERS": []})
    with_one = read_settings({"CHANNEL_WORKERS": ["thumbnails"]})

    assert worker_has_a_layer(Facts(application=WORKER, settings=without)) == []
    assert ids(worker_has_a_layer(Facts(settings=with_one))) == ["tandem.E004"]
    assert worker_has_a_layer(Facts(application=WORKER, layers=(REDIS,))) == []


def test_a_sender_without_a_layer_is_a_warning() -> None:
    """It fails loudly, and only where it is called."""
    facts = Facts(application=WEBSOCKET, senders=("chat.signals", "chat.views"))

    assert told(senders_have_a_layer(facts)) == [
        (
            "tandem.W002",
            "CHANNEL_LAYERS",
            "CHANNEL_LAYERS is not set, so get_channel_layer() is None in chat.signals, "
            "chat.views.",
            TAKE_REDIS,
        )
    ]


def test_a_websocket_that_only_echoes_needs_no_layer() -> None:
    """No module of the project asks for one."""
    facts = Facts(application=WEBSOCKET)

    assert [*senders_have_a_layer(facts), *layer_leaves_its_process(facts)] == []


def test_websockets_open_to_every_site_are_a_warning() -> None:
    """The browser sends the user's cookies with a handshake from any page."""
    facts = Facts(asgi="config.asgi.application", application=Application(has_websocket=True))

    assert told(origin_is_checked(facts)) == [
        (
            "tandem.W005",
            "config.asgi.application",
            '"config.asgi.application" opens WebSockets for the pages of any site: no '
            "OriginValidator stands in front of all of them.",
            "Put AllowedHostsOriginValidator, from channels.security.websocket, around what is "
            'under "websocket".',
        )
    ]


def test_guarded_websockets_and_none_at_all_are_fine() -> None:
    """Only an open one is spoken of."""
    assert origin_is_checked(Facts(application=WEBSOCKET)) == []
    assert origin_is_checked(Facts()) == []
