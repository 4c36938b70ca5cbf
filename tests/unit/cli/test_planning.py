"""The notes of a start are kept for the next reload."""

import subprocess
import sys

from django_tandem.cli.planning import NOTES, read_notes, write_notes


def test_kept_notes_are_read_again(tmp_path) -> None:
    """Each note whole."""
    notes = ["(tandem.W005) Any page may open them.\n\tHINT: Do not let it.", "Nothing."]
    write_notes(tmp_path, notes)

    assert read_notes(tmp_path) == notes


def test_without_a_readable_file_there_are_no_notes(tmp_path) -> None:
    """Also when a full disk left the file empty."""
    assert read_notes(tmp_path) == []
    (tmp_path / NOTES).touch()
    assert read_notes(tmp_path) == []


def test_a_wsgi_application_that_does_not_exist_is_found_by_the_plan(tmp_path, monkeypatch) -> None:
    """Not only by the server that is to run it."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    python = [sys.executable, "-m"]
    subprocess.run([*python, "django", "startproject", "mysite", "."], cwd=tmp_path, check=True)
    settings = tmp_path / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace("mysite.wsgi.app", "mysite.wgsi.app"))

    done = subprocess.run(
        [*python, "django_tandem", "plan"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        'The WSGI application "mysite.wgsi.application" can\'t be imported: ModuleNotFoundError: '
        "No module named 'mysite.wgsi'"
    )
    assert 'Named in WSGI_APPLICATION, as "mysite.wgsi.application".' in done.stderr
