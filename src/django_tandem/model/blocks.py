"""Routes that are blocked: `tandem block` writes them, each served process follows them."""

from dataclasses import dataclass

from django_tandem.model.routes import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRule:
    """
    The paths of one route, as a regular expression of Python, and whether they are blocked.

    ``protocol`` is None for both. Routes that are not blocked stand in front of those that are,
    as the first match decides.
    """

    regex: str
    is_blocked: bool = True
    protocol: Protocol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    One blocked ``target``, which names routes as a pin does, or by their pattern.

    Requests get ``status``. WebSockets are refused, and open ones closed with the code ``close``;
    they and event streams end within ``window_s`` from the Unix time ``since_s``.
    """

    target: str
    status: int
    close: int
    window_s: float
    since_s: float
    rules: tuple[BlockRule, ...]
