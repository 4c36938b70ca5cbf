"""The users and groups of this machine, by the names and numbers of TANDEM["USER"]."""

import grp
import os
import pwd
from dataclasses import dataclass, replace

from django_tandem.errors import MachineError, did_you_mean

# chown(2) and setresuid(2) take the number after it for "no change".
HIGHEST_ID = 2**32 - 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    A user of this machine: ``name`` as messages name it, or its number where it has no name.

    ``groups`` are all groups of its processes; the first one, ``gid``, owns what they make.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    @property
    def is_root(self) -> bool:
        """Whether it is root."""
        return self.uid == 0


def find(text: str, option: str) -> Account:
    """
    Return the account of ``text``: "name" or "name:group", where a number may replace either.

    ``option`` is what the user calls the value. Raises MachineError for an unknown name.
    """
    name, _, group = text.partition(":")
    account = _named(name) or _numbered(name)
    if account is None:
        known = [each.pw_name for each in pwd.getpwall()]
        raise MachineError(
            f'{option} is "{text}", and this machine has no user "{name}".',
            hint=did_you_mean(
                name, known, otherwise=f"Create it with `useradd --system {name}`, or name another."
            ),
        )
    if not group:
        return account
    gid = _find_group(group, option, text)
    others = (each for each in account.groups[1:] if each != gid)
    return replace(account, gid=gid, groups=(gid, *others))


def find_group(group: str, option: str) -> int:
    """Return the number of a group, by its name or number; raises MachineError for another one."""
    return _find_group(group, option, group)


def _find_group(group: str, option: str, text: str) -> int:
    gid = _gid(group)
    if gid is None:
        raise MachineError(
            f'{option} is "{text}", and this machine has no group "{group}".',
            hint=f"Create it with `groupadd --system {group}`, or name another.",
        )
    return gid


def of_uid(uid: int) -> Account:
    """Return the account with that number, which may have no name, as in many containers."""
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        # useradd gives a user a group of the same number.
        return Account(name=str(uid), uid=uid, gid=uid, groups=(uid,), home="/")


def own() -> Account:
    """Return the account that this process runs as."""
    gid = os.getegid()
    return replace(of_uid(os.geteuid()), gid=gid, groups=(gid, *os.getgroups()))


def _named(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def _numbered(name: str) -> Account | None:
    uid = _number(name)
    return None if uid is None else of_uid(uid)


def _gid(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return _number(group)


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdecimal() and int(text) <= HIGHEST_ID
    return int(text) if is_one else None


def _account(entry: pwd.struct_passwd) -> Account:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    others = (each for each in groups if each != entry.pw_gid)
    return Account(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=(entry.pw_gid, *others),
        home=entry.pw_dir,
    )
