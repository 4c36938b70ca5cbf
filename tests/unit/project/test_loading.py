"""Files of a site have a URL of their own on it, and a directory."""

import pytest

from django_tandem.model import StaticFiles
from django_tandem.project.loading import site_files


def test_a_prefix_ends_with_a_slash(tmp_path) -> None:
    """However the setting is written."""
    expected = StaticFiles(prefix="/media/", directory=str(tmp_path))

    assert site_files("/media", tmp_path) == site_files("/media/", tmp_path) == expected


@pytest.mark.parametrize("url", ["", None, "/", "https://cdn.example/media/", "media/"])
def test_what_is_no_path_of_this_site_is_left_alone(url, tmp_path) -> None:
    """Nor the root, where everything else is."""
    assert site_files(url, tmp_path) is None
    assert site_files("/media/", "") is None
