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


CACHED = (fingerprints.fingerprint, fingerprints._quick_fingerprint, fingerprints._read)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return what writes the module `read_before`, and what forgets the earlier one."""
    monkeypatch.syspath_prepend(tmp_path)

    def clear():
        for each in CACHED:
            each.cache_clear()

    def write(source):
        (tmp_path / "read_before.py").write_text(source)
        clear()
        return fingerprint("read_before.Layer.receive")

    yield write
    clear()


@pytest.mark.parametrize("dotted", sorted(known()))
def test_each_installed_source_is_known(dotted):
    """Read what changed before `python -m django_tandem.fingerprints` adds the new version."""
    assert fingerprint(dotted) is None or is_known(dotted)


@pytest.mark.parametrize("dotted", sorted(known()))
def test_the_text_of_a_definition_has_the_hash_of_the_parsed_module(dotted):
    """No module is parsed as a whole that reads as before."""
    assert fingerprints._quick_fingerprint(dotted) == fingerprint(dotted)


@pytest.mark.parametrize(
    "above",
    ['TEXT = """\nclass Layer:\n    def receive(self): ...\n"""', "if True:\n    class Layer: ..."],
    ids=["in_a_string", "in_a_block"],
)
def test_a_text_that_looks_like_the_definition_does_not_count(package, monkeypatch, above):
    """The module is parsed where the cut text is unknown."""
    seen = package(ORIGINAL)
    package(above + ORIGINAL)
    monkeypatch.setattr(fingerprints, "known", lambda: {"read_before.Layer.receive": {seen: "1.0"}})

    assert is_known("read_before.Layer.receive")


@pytest.mark.parametrize("statement", ["    if False:\n        pass", "    return None\n"])
def test_a_changed_definition_is_unknown(package, monkeypatch, statement):
    """Whichever way it is read."""
    seen = package(ORIGINAL)
    package(f"{ORIGINAL.rstrip()}\n    {statement}\n")
    monkeypatch.setattr(fingerprints, "known", lambda: {"read_before.Layer.receive": {seen: "1.0"}})

    assert not is_known("read_before.Layer.receive")


def test_no_package_is_imported(tmp_path, monkeypatch):
    """A command need not import what only a server runs."""
    (tmp_path / "outer_package").mkdir()
    (tmp_path / "outer_package" / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / "outer_package" / "inner.py").write_text("def serve():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert fingerprint("outer_package.inner.serve") is not None


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
