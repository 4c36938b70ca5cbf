"""Static files need a STATIC_ROOT with files; uploaded files must have no guard."""

from checks.gathered import facts
from checks.messages import contents

from django_tandem.checks.facts import Facts, Media, Static
from django_tandem.checks.files import (
    media_has_no_guard,
    static_files_are_collected,
    static_root_is_set,
)


def _all(found: Facts) -> list[tuple[str, str, str, str]]:
    return contents([*static_root_is_set(found), *static_files_are_collected(found)])


def test_static_files_without_a_directory_are_a_warning() -> None:
    """It is one finding: there is no directory to collect into."""
    assert _all(facts(static=Static(url="/static/"))) == [
        (
            "tandem.W003",
            "STATIC_ROOT",
            'STATIC_ROOT is not set, so no static file is served below "/static/".',
            'Set it, such as to BASE_DIR / "staticfiles", and run `manage.py collectstatic`.',
        )
    ]


def test_static_files_that_were_not_collected_are_a_warning() -> None:
    """The directory is named."""
    assert _all(facts(static=Static(url="/static/", root="/srv/static"))) == [
        (
            "tandem.W004",
            "STATIC_ROOT",
            'STATIC_ROOT is "/srv/static", which holds no files, so no static file is served below '
            '"/static/".',
            "Run `manage.py collectstatic`.",
        )
    ]


def test_collected_files_and_none_at_all_are_fine() -> None:
    """Nor is a project whose files another server has."""
    assert _all(facts(static=Static(url="/s/", root="/srv/s", is_collected=True))) == []
    assert _all(facts()) == []


def test_media_that_views_guard_is_an_error() -> None:
    """The bypassed views are named."""
    views = ("/media/<path:path> (shop.views.own)", "/media/thumbs/ (shop.views.thumbs)")

    assert contents(media_has_no_guard(facts(media=Media(prefix="/media/", views=views)))) == [
        (
            "tandem.E011",
            "TANDEM",
            'TANDEM["EDGE"]["MEDIA"] is True, so the edge serves the files below "/media/" to '
            "everyone, and bypasses the views of the URLconf there: "
            "/media/<path:path> (shop.views.own), /media/thumbs/ (shop.views.thumbs).",
            'Set TANDEM["EDGE"]["MEDIA"] to False, so that the views decide.',
        )
    ]


def test_media_without_a_view_and_no_media_at_all_are_fine() -> None:
    """Nor is an edge that leaves them to the project."""
    assert media_has_no_guard(facts(media=Media(prefix="/media/"))) == []
    assert media_has_no_guard(facts()) == []
