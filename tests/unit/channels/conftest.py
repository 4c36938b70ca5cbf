"""A Valkey for the tests of this directory, each of which uses another prefix."""

import re
import uuid
from pathlib import Path

import pytest

from django_tandem.channels import RedisLayer
from harness.valkey import valkey as run_valkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    """The one that all share, and that none stops."""
    with run_valkey(tmp_path_factory.mktemp("valkey")) as started:
        yield started


@pytest.fixture(scope="session")
def documented_acl():
    """The command of the documentation that makes a user, and the further rights of a cluster."""
    page = Path(__file__).parents[3].joinpath("docs/how-to/redis.md").read_text("utf-8")
    (command,) = re.findall(r"^ACL SETUSER .*$", page, re.MULTILINE)
    (of_cluster,) = re.findall(r"`(\+ssubscribe [^`]*)`", page)
    return command, of_cluster


@pytest.fixture
def own_valkey(tmp_path):
    """One that the test may kill or freeze."""
    with run_valkey(tmp_path) as started:
        yield started


@pytest.fixture
def layers(valkey):
    """Make layers of one prefix: in one event loop each is what a process is."""
    prefix = uuid.uuid4().hex

    def make(count=1, hosts=(valkey.url,), **options):
        made = [RedisLayer(hosts=list(hosts), prefix=prefix, **options) for _ in range(count)]
        return made[0] if count == 1 else made

    return make
