"""What Gunicorn sends by StatsD where the monitor counts the requests."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from django_tandem.servers.adapters.gunicorn_settings import LOG_COUNTS


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        yield made


def test_lines_of_its_log_are_counted_and_nothing_else(listener) -> None:
    """The requests and the workers are the monitor's."""
    config = Config()
    config.set("statsd_host", f"127.0.0.1:{listener.getsockname()[1]}")
    config.set("statsd_prefix", "shop")
    config.set("logger_class", LOG_COUNTS)
    logger = config.logger_class(config)

    logger.access(SimpleNamespace(status="200 OK"), None, {}, timedelta(seconds=1))
    logger.debug("3 workers", extra={"metric": "gunicorn.workers", "value": 3, "mtype": "gauge"})
    logger.warning("Late.")
    logger.debug("", extra={"metric": "shop.depth", "value": 7, "mtype": "gauge"})

    assert [listener.recv(1024), listener.recv(1024)] == [
        b"shop.gunicorn.log.warning:1|c|@1.0",
        b"shop.shop.depth:7|g",
    ]
