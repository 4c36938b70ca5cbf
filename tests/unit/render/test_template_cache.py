"""Templates are compiled once, as modules are."""

import sys

import pytest

from django_tandem.render.target import template_environment
from django_tandem.render.template_cache import TemplateCache


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one template, which says what it is given."""
    directory = tmp_path / "compiled_once"
    (directory / "templates").mkdir(parents=True)
    (directory / "__pycache__").mkdir()
    (directory / "__init__.py").touch()
    (directory / "templates" / "text.j2").write_text("Hello {{ name }}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    yield directory
    sys.modules.pop("compiled_once", None)


def rendered(*, autoescape: bool = False, name: str = "Ada") -> tuple[str, int]:
    """Return the text, and how many templates were compiled for it."""
    made = template_environment("compiled_once", autoescape=autoescape)
    compile_, compiled = made.compile, []

    def counted(*args, **more):
        compiled.append(args)
        return compile_(*args, **more)

    made.compile = counted
    return made.get_template("text.j2").render(name=name), len(compiled)


def kept(package):
    return list((package / "__pycache__").glob("*.jinja-*"))


def test_a_template_is_compiled_once(package):
    assert [rendered(), rendered()] == [("Hello Ada", 1), ("Hello Ada", 0)]


def test_an_edited_template_is_compiled_again(package):
    rendered()
    (package / "templates" / "text.j2").write_text("Goodbye {{ name }}")

    assert [rendered(), rendered()] == [("Goodbye Ada", 1), ("Goodbye Ada", 0)]


def test_what_other_options_compiled_is_not_run(package):
    """As those of an earlier release, whose files are kept in the same place."""
    rendered(name="<b>")

    assert rendered(name="<b>", autoescape=True) == ("Hello &lt;b&gt;", 1)


def test_what_another_jinja_compiled_is_not_run(package, monkeypatch):
    rendered()
    monkeypatch.setattr("django_tandem.render.template_cache.version", lambda _: "0.1")

    assert rendered() == ("Hello Ada", 1)


@pytest.mark.parametrize("damage", [b"", b"j2", None], ids=["empty", "another", "cut"])
def test_a_damaged_file_is_replaced(package, damage):
    rendered()
    (path,) = kept(package)
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)

    assert [rendered(), rendered()] == [("Hello Ada", 1), ("Hello Ada", 0)]


def test_a_directory_that_nothing_can_be_written_to_is_no_error(package):
    (package / "__pycache__").rmdir()
    # No permission stops root, for whom the tests may run.
    (package / "__pycache__").touch()

    assert [rendered(), rendered()] == [("Hello Ada", 1)] * 2


def test_nothing_is_written_where_python_writes_no_bytecode(package, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    rendered()

    assert kept(package) == []


def test_it_is_kept_below_the_prefix_of_python(package, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "prefix"))
    directory = TemplateCache("compiled_once", {})._directory

    assert directory.is_relative_to(tmp_path / "prefix")
