"""The panel in a page: empty where the settings turn it off."""

from django import template
from django.conf import settings

register = template.Library()

STACKS = (
    ("wsgi", "WSGI", "pages, DRF, Graphene"),
    ("asgi", "ASGI", "sockets, streams, async"),
    ("", "Around them", "edge, workers"),
)


@register.inclusion_tag("hood/head.html")
def hood_head() -> dict[str, bool]:
    """Show what the panel needs in the page's head, before the page's own scripts."""
    return {"is_shown": settings.UNDER_THE_HOOD}


@register.inclusion_tag("hood/panel.html")
def hood_panel() -> dict[str, object]:
    """Show the panel, at the end of the body."""
    return {"is_shown": settings.UNDER_THE_HOOD, "stacks": STACKS}
