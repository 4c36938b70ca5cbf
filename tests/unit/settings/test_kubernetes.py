"""The choices for a cluster: an image without a tag, an autoscaler, a Gateway."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Autoscaler, Gateway
from django_tandem.settings import read_settings


def read(**given: object):
    return read_settings({"KUBERNETES": given}).kubernetes


def test_every_choice_has_a_default() -> None:
    """But the image, which only the target needs."""
    found = read()

    assert (found.image, found.parent) == (None, None)
    assert (found.autoscaler, found.gateway) == (Autoscaler.NONE, Gateway.EDGE)


@pytest.mark.parametrize(
    "image", ["mysite", "team/my_site", "registry.example.com/a/b", "localhost:5000/mysite"]
)
def test_an_image_may_have_a_registry_and_a_path(image) -> None:
    """As an image is named anywhere."""
    assert read(IMAGE=image).image == image


@pytest.mark.parametrize("image", ["mysite:1", "mysite@sha256:0", "My Site", "registry/", 5, ""])
def test_an_image_has_no_tag(image) -> None:
    """An overlay chooses it."""
    with pytest.raises(SettingError) as raised:
        read(IMAGE=image)

    assert str(raised.value) == (
        'TANDEM["KUBERNETES"]["IMAGE"]: Expected an image without a tag, such as '
        f'"registry.example.com/mysite", or None, got {image!r}.'
    )


@pytest.mark.parametrize("name", ["public", "gateways/public"])
def test_a_gateway_may_have_a_namespace(name) -> None:
    """Else it is in that of the application."""
    assert read(PARENT=name).parent == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"PARENT": "a/b/c"},
            'TANDEM["KUBERNETES"]["PARENT"]: Expected the name of a Gateway, such as "public" or '
            "\"gateways/public\", or None, got 'a/b/c'.",
        ),
        (
            {"AUTOSCALER": "kedda"},
            'TANDEM["KUBERNETES"]["AUTOSCALER"]: Expected "none", "hpa" or "keda", got '
            "'kedda'.\n  Did you mean \"keda\"?",
        ),
        (
            {"GATEWAY": "directly"},
            'TANDEM["KUBERNETES"]["GATEWAY"]: Expected "edge" or "direct", got \'directly\'.\n'
            '  Did you mean "direct"?',
        ),
    ],
)
def test_a_wrong_choice_is_named(given, message) -> None:
    """With those that there are."""
    with pytest.raises(SettingError) as raised:
        read(**given)

    assert str(raised.value) == message
