"""The walk through a URLconf."""

from django.urls import get_resolver, include, path, re_path
from django.urls.resolvers import RegexPattern, URLResolver
from urlconfs import view

from django_tandem.project.urlconf import http_routes


def routes(*patterns):
    return http_routes(URLResolver(RegexPattern(r"^/"), patterns), "")


def test_routes_come_in_the_order_in_which_django_tries_them() -> None:
    """Depth first, as the resolver itself descends."""
    inner = [path("b/", view()), path("c/", view())]
    found = routes(path("a/", view()), path("in/", include(inner)), path("d/", view()))

    assert [route.pattern for route in found] == ["/a/", "/in/b/", "/in/c/", "/d/"]


def test_a_pattern_is_shown_as_its_author_wrote_it() -> None:
    """From the root on, with the carets of regexes taken out."""
    inner = [re_path(r"^(?P<n>\d+)/$", view()), path("<slug:s>", view())]
    found = routes(re_path(r"^api/", include([path("lots/<int:pk>/", include(inner))])))

    assert [route.pattern for route in found] == [
        r"/api/lots/<int:pk>/(?P<n>\d+)/$",
        "/api/lots/<int:pk>/<slug:s>",
    ]


def test_a_name_has_its_namespaces_as_reverse_takes_it() -> None:
    """Every namespace on the way, joined by colons."""
    inner = ([path("a/", view(), name="a"), path("b/", view())], "inner")
    outer = ([path("x/", include(inner, namespace="second"))], "outer")
    found = routes(path("", include(outer)), path("c/", view(), name="c"))

    assert [route.name for route in found] == ["outer:second:a", None, "c"]


def test_a_list_included_twice_gives_its_routes_twice() -> None:
    """The same patterns below two prefixes are two routes each."""
    shared = [path("a/", view())]
    found = routes(path("x/", include(shared)), path("y/", include(shared)))

    assert [route.match.literal for route in found] == ["/x/a/", "/y/a/"]


def test_a_urlconf_that_includes_itself_ends_in_an_inexact_route() -> None:
    """Its second round is one route that says why it is not known exactly."""
    found = http_routes(get_resolver("urlconfs.includes_itself"), "")
    branch = found[1]

    assert [route.pattern for route in found] == ["/a/", "/again/<int:n>/…", "/<path:rest>"]
    assert branch.view.dotted == "urlconfs.includes_itself"
    assert branch.match.pcre == "^/(?>again/[0-9]{1,4300}/)"
    assert branch.match.why_inexact == "a URLconf that includes itself"


def test_includes_deeper_than_anyone_nests_end_in_an_inexact_route() -> None:
    """The bound keeps Python's own recursion from ending the walk."""
    nested = [path("end/", view())]
    for _ in range(80):
        nested = [path("a/", include(nested))]
    (found,) = routes(*nested)

    assert found.pattern == "/" + "a/" * 64 + "…"
    assert found.match.pcre == "^/" + "a/" * 64
    assert found.match.why_inexact == "includes nested more than 64 deep"


def test_a_language_prefix_is_shown_as_what_it_is() -> None:
    """The prefix of i18n_patterns has no fixed text."""
    always = http_routes(get_resolver("urlconfs.i18n"), "")
    sometimes = http_routes(get_resolver("urlconfs.i18n_without_the_default"), "")

    assert always[2].pattern == "/<language>/about/"
    assert sometimes[2].pattern == "/[<language>/]<slug:s>/"


def test_a_resolver_with_its_own_resolve_is_not_followed() -> None:
    """What it does with its patterns only it knows."""

    class Own(URLResolver):
        def resolve(self, path):
            return None

    (found,) = routes(Own(RegexPattern("^a/"), [path("b/", view())]))

    assert (found.match.pcre, found.pattern) == ("^/a/", "/a/…")
    assert found.match.why_inexact == "a URL pattern class with a custom resolve()"


def test_many_routes_are_compiled_in_one_pass() -> None:
    """The walk is linear: each pattern of an include is compiled once, not once a route."""
    shared = [path(f"p{n}/<int:pk>/<slug:s>/", view()) for n in range(50)]
    found = routes(*(path(f"app{n}/", include(shared)) for n in range(40)))

    assert len(found) == 2000
    assert found[-1].match.pcre == r"^/app39/p49/[0-9]{1,4300}/[\-a-zA-Z0-9_]+/\z"
