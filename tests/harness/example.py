"""The example, copied and prepared as `make demo` does before it is served."""

import shutil
from pathlib import Path

from harness import forking
from harness.stack import DEADLINE_S, clean_environment

EXAMPLE = Path(__file__).parents[2] / "example"
LEFT_OUT = shutil.ignore_patterns(".tandem", "*.sqlite3*", "staticfiles", "__pycache__")
# In one process, for each takes its time to start.
FILL_DATABASE = """
from django.core.management import call_command
call_command("migrate", verbosity=0, run_syncdb=True)
call_command("sample_data")
"""
COLLECT = """
call_command("collectstatic", interactive=False, verbosity=0)
"""


def copied(directory: Path) -> Path:
    """Copy it, without what it was served with."""
    return Path(shutil.copytree(EXAMPLE, directory, ignore=LEFT_OUT, dirs_exist_ok=True))


def prepare(directory: Path, **environment: str) -> None:
    """Do what must be done once before it is served."""
    in_shell(directory, FILL_DATABASE + COLLECT, **environment)


def fill_database(directory: Path, **environment: str) -> None:
    """Do of it what another database needs."""
    in_shell(directory, FILL_DATABASE, **environment)


def in_shell(directory: Path, code: str, **environment: str) -> str:
    """Run code in the project and return what it printed."""
    return manage(directory, "shell", "-v0", "-c", code, **environment)


def token_of(user: str, directory: Path, **environment: str) -> str:
    """Return the token that a user of the sample data may bid with."""
    return manage(directory, "drf_create_token", user, **environment).split()[2]


def manage(directory: Path, *command: str, **environment: str) -> str:
    """Run a management command and return what it printed."""
    argv = ["manage.py", *command]
    # Static files and passwords are hashed, which takes its time beside other tests.
    given = clean_environment() | environment
    done = forking.run(argv, directory, given, timeout_s=2 * DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout
