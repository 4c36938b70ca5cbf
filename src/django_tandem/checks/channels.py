"""Checks of what Channels does between processes, and of who may open a WebSocket."""

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import Facts, Layer

IN_MEMORY = "channels.layers.InMemoryChannelLayer"

_HOST = '{"address": os.environ["REDIS_URL"], "socket_timeout": None}'
_REDIS = (
    f'Take "channels_redis.core.RedisChannelLayer" with {{"hosts": [{_HOST}]}}. '
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.'
)
_OFFERED = (
    "`tandem up` sets REDIS_URL, which is not set here: read it in CHANNEL_LAYERS. "
    "If it is read already there is nothing to do."
)


def layer_leaves_its_process(facts: Facts) -> list[CheckMessage]:
    """Find channel layers that stay in one process while the stacks are several."""
    if not facts.application.has_websocket and not facts.channel_workers:
        return []
    in_memory = [layer for layer in facts.layers if layer.backend == IN_MEMORY]
    return [_in_memory(layer, facts) for layer in in_memory]


def _in_memory(layer: Layer, facts: Facts) -> CheckMessage:
    said = f'CHANNEL_LAYERS["{layer.alias}"]["BACKEND"] is "{layer.backend}"'
    if facts.will_offer_redis:
        return Warning(
            f"{said}, which `tandem up` refuses to start with (tandem.E003).",
            hint=_OFFERED,
            obj="CHANNEL_LAYERS",
            id="tandem.W001",
        )
    lost = "what a view on WSGI sends never reaches a WebSocket or a Channels worker"
    return Error(
        f"{said}, which keeps every message in its own process: {lost}.",
        hint=_REDIS,
        obj="CHANNEL_LAYERS",
        id="tandem.E003",
    )


def client_is_patient(facts: Facts) -> list[CheckMessage]:
    """Find channel layers whose client gives up while Redis still waits for a message."""
    if not facts.application.has_websocket and not facts.channel_workers:
        return []
    return [
        Warning(
            f'CHANNEL_LAYERS["{layer.alias}"] gives up on Redis after {layer.read_timeout_s:g} s '
            f"without an answer, and waits {layer.wait_s:g} s for a message: a quiet WebSocket or "
            "Channels worker ends with a TimeoutError.",
            hint=f"Write its host as {_HOST}: redis-py 8 has a timeout of its own without it.",
            obj="CHANNEL_LAYERS",
            id="tandem.W007",
        )
        for layer in facts.layers
        if layer.wait_s is not None
        and layer.read_timeout_s is not None
        and layer.read_timeout_s <= layer.wait_s
    ]


def worker_has_a_layer(facts: Facts) -> list[CheckMessage]:
    """Find a Channels worker that could not start, for want of a channel layer."""
    if facts.layers or not facts.channel_workers:
        return []
    return [
        Error(
            "CHANNEL_LAYERS is not set, and the Channels worker for "
            f"{', '.join(facts.channel_workers)} can't start without it.",
            hint=f'{_REDIS} Or set TANDEM["CHANNEL_WORKERS"] to [].',
            obj="CHANNEL_LAYERS",
            id="tandem.E004",
        )
    ]


def senders_have_a_layer(facts: Facts) -> list[CheckMessage]:
    """Find code that sends to WebSockets where there is no channel layer to send by."""
    if facts.layers or not facts.senders or not facts.application.has_websocket:
        return []
    return [
        Warning(
            f"CHANNEL_LAYERS is not set, so get_channel_layer() is None in "
            f"{', '.join(facts.senders)}.",
            hint=_REDIS,
            obj="CHANNEL_LAYERS",
            id="tandem.W002",
        )
    ]


def origin_is_checked(facts: Facts) -> list[CheckMessage]:
    """Find WebSockets that pages of any site may open, with the user's cookies."""
    if not facts.application.has_websocket or facts.application.checks_origin:
        return []
    return [
        Warning(
            f'"{facts.asgi}" opens WebSockets for the pages of any site: no OriginValidator '
            "stands in front of all of them.",
            hint="Put AllowedHostsOriginValidator, from channels.security.websocket, "
            'around what is under "websocket".',
            obj=facts.asgi,
            id="tandem.W005",
        )
    ]
