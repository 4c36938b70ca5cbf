"""Private code of other packages is used only in versions that were read."""

import logging

import pytest

from django_tandem import fingerprints
from django_tandem.fingerprints import are_known, fingerprint, is_known, known

ORIGINAL = '''
class Layer:
    async def receive(self, channel):
        """Say what it does."""
        # Say why.
        return channel
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return what writes the module `read_before`, and what forgets the earlier one."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        (tmp_path / "read_before.py").write_text(source)
        fingerprints.fingerprint.cache_clear()
        fingerprints._parse.cache_clear()
        return fingerprint("read_before.Layer.receive")

    yield write
    fingerprints.fingerprint.cache_clear()
    fingerprints._parse.cache_clear()


@pytest.mark.parametrize("dotted", sorted(known()))
def test_each_installed_source_is_known(dotted):
    """Read what changed before `python -m django_tandem.fingerprints` adds the new version."""
    assert fingerprint(dotted) is None or is_known(dotted)


def test_comments_and_docstrings_do_not_count(package):
    """They change without a change of what the code does."""
    before = package(ORIGINAL)

    assert package(ORIGINAL.replace("Say why", "Another reason")) == before
    assert package(ORIGINAL.replace("Say what it does", "Other words")) == before
    assert package(ORIGINAL.replace("return channel", "return None")) != before


def test_an_unknown_source_gives_one_warning(package, monkeypatch, caplog):
    """It names the first of them, the installed version, and what is not used."""
    seen = package(ORIGINAL)
    names = ["read_before.Layer.receive", "read_before.Layer.send", "read_before.Layer"]
    monkeypatch.setattr(fingerprints, "known", lambda: {names[0]: {seen: "1.0"}})
    with caplog.at_level(logging.WARNING):
        assert not are_known(names, otherwise="Its own receive() serves.")

    assert caplog.messages == [
        "read_before.Layer.send and 1 more in read_before differ from the versions that "
        "django-tandem knows. Its own receive() serves."
    ]


def test_a_package_without_sources_is_unknown():
    """As is one that is not installed."""
    assert not is_known("sys.exit")
    assert not is_known("no_such_package.Class.method")


def test_all_known_sources_give_no_warning(caplog):
    """Nothing differs, so nothing is logged."""
    assert are_known(["django.core.handlers.base.BaseHandler.load_middleware"], otherwise="")
    assert not caplog.messages
