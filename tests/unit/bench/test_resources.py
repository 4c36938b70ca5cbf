"""Connections to the database are counted in the given processes."""

import json
import subprocess
import sys
from pathlib import Path

# A separate process: Django is configured once in each.
COUNT = """
import json, os, subprocess, sys

from django.conf import settings

engine, name, opening = sys.argv[1:]
settings.configure(DATABASES={"default": {"ENGINE": engine, "NAME": name}})

from django_tandem.bench.resources import count_database_connections

count = count_database_connections()
child = subprocess.Popen(
    [sys.executable, "-c", opening, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
)
child.stdout.readline()
counts = [count([]), count([os.getpid()]), count([child.pid]), count([os.getpid(), child.pid])]
child.communicate()
print(json.dumps([*counts, count([child.pid])]))
"""
OPENING = """
import sqlite3, sys

held = [sqlite3.connect(sys.argv[1]) for _ in range(2)]
other = sqlite3.connect(sys.argv[1] + ".other")
for each in (*held, other):
    each.execute("SELECT count(*) FROM sqlite_master").fetchall()
print("open", flush=True)
sys.stdin.read()
"""


def _counts(engine: str, name: Path) -> list[int | None]:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, f"django.db.backends.{engine}", str(name), OPENING],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_each_connection_to_an_sqlite_file_is_counted(tmp_path) -> None:
    """In the processes that are asked about, and no more once they have ended."""
    assert _counts("sqlite3", tmp_path / "db.sqlite3") == [0, 0, 2, 2, 0]


def test_a_link_to_the_file_leads_to_it(tmp_path) -> None:
    """The kernel names the file itself."""
    link = tmp_path / "current.sqlite3"
    link.symlink_to(tmp_path / "db.sqlite3")

    assert _counts("sqlite3", link) == [0, 0, 2, 2, 0]


def test_other_databases_have_no_count(tmp_path) -> None:
    """None stands for an unknown count."""
    assert _counts("dummy", tmp_path / "db") == [None] * 5
