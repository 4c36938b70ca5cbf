"""The report says which rules are widened, and what ASGI then serves."""

from builders import plan, verdict
from django_tandem.model import PathMatch, Stack
from django_tandem.render.kubernetes.lowering import lower
from django_tandem.render.kubernetes.widening import report_lines


def _match(prefix: str, rest: str) -> PathMatch:
    return PathMatch(pcre=f"^{prefix}{rest}", prefix=prefix)


def test_a_widened_rule_is_a_line() -> None:
    """With the routes that go along, of which three are named."""
    numbered = [
        verdict(f"/news/<int>/{name}/", match=_match("/news/", rf"[0-9]+/{name}/\z"))
        for name in ("print", "edit", "share", "like")
    ]
    slug = _match("/news/", r"[a-z]+/\z")
    live = _match("/live/", r"[a-z]+/\z")
    lowered = lower(
        plan(
            verdict("/feed/", Stack.ASGI),
            verdict("/news/<slug>/", Stack.ASGI, match=slug),
            verdict("/live/<slug>/", Stack.ASGI, match=live),
            verdict("/about/"),
            *numbered,
        )
    )

    assert list(report_lines(lowered.rules, lowered.wsgi_routes)) == [
        "Rules for ASGI: 3, of which 1 exact and 2 widened. ASGI also serves 4 of the 5 routes of "
        "WSGI.",
        "  /news/<slug>/ is widened to /news, with 4 of WSGI: /news/<int>/print/, "
        "/news/<int>/edit/, /news/<int>/share/, …",
        "  /live/<slug>/ is widened to /live.",
    ]
