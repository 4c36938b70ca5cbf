"""The project's own gunicorn.conf.py is found and adopted."""

import re

import pytest
from gunicorn import glogging
from gunicorn.config import Config

from django_tandem.servers.adapters.gunicorn_settings import (
    OWN_MODULE,
    adopt,
    make_settings,
    read_arguments,
    read_project_file,
)


def test_arguments_are_read_as_gunicorn_reads_them() -> None:
    """What is not given is left to the other sources of settings."""
    given = read_arguments(["--statsd-host", "127.0.0.1:8125", "--max-requests=7"])

    assert given == {"statsd_host": "127.0.0.1:8125", "max_requests": 7}


def test_no_arguments_are_no_settings() -> None:
    """An environment without STATSD_ARGS changes nothing."""
    assert read_arguments([]) == {}


def test_the_file_beside_manage_py_is_read(tmp_path, monkeypatch) -> None:
    """As Gunicorn itself reads it."""
    monkeypatch.chdir(tmp_path)
    assert read_project_file([f"--config={OWN_MODULE}"]) == ("", {})

    (tmp_path / "gunicorn.conf.py").write_text("keepalive = 7")
    file, content = read_project_file([f"--config={OWN_MODULE}"])

    assert (file, content["keepalive"]) == ("gunicorn.conf.py", 7)


@pytest.mark.parametrize("arguments", [["-c", "{}"], ["--config={}"], ["--config=file:{}"]])
def test_a_file_that_the_arguments_name_is_read_instead(tmp_path, monkeypatch, arguments) -> None:
    """In each of Gunicorn's notations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text("keepalive = 7")
    (tmp_path / "other.py").write_text("keepalive = 8")
    own = [each.format("other.py") for each in arguments]

    assert read_project_file([*own, f"--config={OWN_MODULE}"])[1]["keepalive"] == 8


def test_what_contradicts_is_a_warning_with_both_values() -> None:
    """The plan decides what has an option, and what the stack relies on stays."""
    content = {"timeout": 600, "preload_app": False, "keepalive": 7, "unknown": 1, "workers": 2}
    content["reuse_port"] = True

    adopted, warnings = adopt("gunicorn.conf.py", content, {"timeout": 32, "workers": 2})

    assert adopted == {"keepalive": 7}
    assert warnings == [
        "gunicorn.conf.py sets preload_app to False, but django-tandem needs True.",
        "gunicorn.conf.py sets reuse_port to True, but django-tandem needs False.",
        'gunicorn.conf.py sets timeout to 600, but TANDEM["WSGI"]["TIMEOUT_S"] decides: 32.',
    ]


def test_statsd_arguments_come_from_the_environment(monkeypatch, tmp_path) -> None:
    """As in the reference set-up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATSD_ARGS", "--statsd-host=127.0.0.1:8125 --statsd-prefix='shop'")

    settings = make_settings(["--workers=2", "app:application"])

    assert (settings["statsd_host"], settings["statsd_prefix"]) == ("127.0.0.1:8125", "shop")


@pytest.mark.parametrize(
    ("statsd_args", "is_monitored", "counts_requests"),
    [
        ("--statsd-host=127.0.0.1:8125", False, True),
        ("--statsd-host=127.0.0.1:8125", True, False),
        ("--statsd-prefix=shop", True, True),
        ("", True, True),
    ],
)
def test_gunicorn_counts_no_request_that_the_monitor_counts(
    monkeypatch, tmp_path, statsd_args, is_monitored, counts_requests
) -> None:
    """The monitor sends those of both stacks, where STATSD_ARGS names an address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATSD_ARGS", statsd_args)
    if is_monitored:
        monkeypatch.setenv("TANDEM_MONITOR", "1")
    else:
        monkeypatch.delenv("TANDEM_MONITOR", raising=False)

    settings = make_settings(["app:application"])

    assert ("logger_class" not in settings) == counts_requests


def test_the_projects_logger_takes_precedence(monkeypatch, tmp_path) -> None:
    """With a logger of the project, Gunicorn sends nothing by StatsD."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATSD_ARGS", "--statsd-host=127.0.0.1:8125")
    monkeypatch.setenv("TANDEM_MONITOR", "1")
    (tmp_path / "gunicorn.conf.py").write_text("logger_class = 'project.Logger'")

    assert make_settings(["app:application"])["logger_class"] == "project.Logger"


def test_gunicorns_log_lines_have_the_time_in_iso_8601(capsys) -> None:
    """As NGINX's access log and Valkey's have it."""
    make_settings(["app:application"])
    config = Config()
    config.set("loglevel", "warning")
    glogging.Logger(config).warning("Late.")

    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[\d+\] \[WARNING\] Late\.\n"
    assert re.fullmatch(pattern, capsys.readouterr().err)
