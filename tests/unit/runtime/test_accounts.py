"""Users and groups by names and numbers, as chown(1) takes them."""

import os
import pwd

import pytest

from django_tandem.errors import MachineError
from django_tandem.runtime import accounts

ROOT = pwd.getpwuid(0)


def test_a_name_brings_its_groups_and_home() -> None:
    """The primary group first."""
    found = accounts.find("root", "`--user`")

    assert (found.name, found.uid, found.gid, found.home) == ("root", 0, 0, ROOT.pw_dir)
    assert found.groups[0] == 0
    assert set(found.groups) == {0, *os.getgrouplist("root", 0)}
    assert found.is_root


def test_a_number_is_the_user_that_has_it() -> None:
    """A user with a name keeps it."""
    assert accounts.find("0", "`--user`") == accounts.find("root", "`--user`")


def test_a_number_without_a_name_has_a_group_of_its_number() -> None:
    """As useradd makes one; many containers have no entry for their user."""
    found = accounts.find("54321", "`--user`")

    assert (found.name, found.uid, found.gid, found.groups) == ("54321", 54321, 54321, (54321,))
    assert found.home == "/"


def test_a_group_replaces_the_primary_one() -> None:
    """By its name or number; the others stay."""
    found = accounts.find("54321:77", "`--user`")

    assert (found.gid, found.groups) == (77, (77,))
    assert accounts.find("54321:root", "`--user`").gid == 0


@pytest.mark.parametrize("text", ["-1", "4294967295", "99999999999"])
def test_a_number_that_no_user_can_have_is_refused(text) -> None:
    """setuid(2) would take it for no change, and leave root in place."""
    with pytest.raises(MachineError) as caught:
        accounts.find(text, "`--user`")

    assert f'`--user` is "{text}", and this machine has no user "{text}".' in str(caught.value)


def test_the_own_account_is_that_of_this_process() -> None:
    """Its effective ids, whoever has started it."""
    found = accounts.own()

    assert (found.uid, found.gid) == (os.geteuid(), os.getegid())
