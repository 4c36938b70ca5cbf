"""Files are written whole, only where they differ, or only compared."""

from django_tandem import output
from django_tandem.model import File


def test_only_what_differs_is_written(tmp_path) -> None:
    """A second write changes nothing, and says so."""
    files = [File(name="a", content="1\n"), File(name="b/c", content="2\n", mode=0o600)]

    assert output.write(files, tmp_path) == ["a", "b/c"]
    assert output.write(files, tmp_path) == []
    assert (tmp_path / "b" / "c").stat().st_mode & 0o777 == 0o600


def test_a_comparison_shows_no_secret(tmp_path) -> None:
    """That of the file in place neither, and that they differ shows by their digests."""
    old, new = "old-0123456789abcdef0123456789abcd%", "new-0123456789abcdef0123456789abcd#"
    forms = (
        "proxy_set_header X-Tandem-Secret {};\n",
        'proxy_set_header X-Tandem-Secret "{}";\n',
        'environment=A="1",TANDEM_PEER_SECRET="{}",B="2"\n',
        '   "TANDEM_PEER_SECRET",\n    "{} {}"\n',
    )
    (tmp_path / "a").write_text("".join(form.replace("{}", old) for form in forms))
    content = "".join(form.replace("{}", new) for form in forms)

    found = output.diff([File(name="a", content=content)], tmp_path)

    assert old not in found
    assert new not in found
    assert found.count("-") > found.count("sha256:") == 8


def test_a_replaced_file_leaves_nothing_beside_it(tmp_path) -> None:
    """It is written under another name and then moved over the old one."""
    (tmp_path / "a").write_text("old")

    output.write([File(name="a", content="new")], tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "new"


def test_a_comparison_shows_the_lines_and_writes_nothing(tmp_path) -> None:
    """A person reads it in CI."""
    (tmp_path / "a").write_text("one\ntwo\n")

    found = output.diff([File(name="a", content="one\nthree\n")], tmp_path)

    assert found == (
        f"--- {tmp_path}/a\n+++ a rendered from the project\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n"
    )
    assert output.diff([File(name="a", content="one\ntwo\n")], tmp_path) == ""


def test_a_file_that_users_edit_is_written_once(tmp_path) -> None:
    """What they wrote is neither replaced nor shown as a difference."""
    files = [File(name="a", content="1\n", is_kept=True)]

    assert output.write(files, tmp_path) == ["a"]
    (tmp_path / "a").write_text("2\n")
    assert output.write(files, tmp_path) == []
    assert output.diff(files, tmp_path) == ""
    assert (tmp_path / "a").read_text() == "2\n"


def test_a_file_that_users_edit_is_a_difference_where_it_is_missing(tmp_path) -> None:
    """A write would make it."""
    files = [File(name="a", content="1\n", is_kept=True)]

    assert "+1\n" in output.diff(files, tmp_path)
