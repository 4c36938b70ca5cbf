"""
The one right of root that a stack may keep: to listen on ports below 1024.

A process of an ordinary user passes it on as an ambient capability (capabilities(7)), which is
what AmbientCapabilities=CAP_NET_BIND_SERVICE of a systemd unit sets.
"""

import contextlib
import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

# From linux/prctl.h.
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
AMBIENT_IS_SET = 1
AMBIENT_RAISE = 2
AMBIENT_LOWER = 3
# From linux/capability.h.
NET_BIND_SERVICE = 10
VERSION_3 = 0x20080522

Prctl = Callable[[int, int, int, int, int], int]


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def find_prctl() -> Prctl | None:
    """Return prctl(2) with all its arguments; None off Linux."""
    prctl: Any = _function("prctl")
    if prctl is None:
        return None
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    found: Prctl = prctl
    return found


def survive_setuid() -> None:
    """Keep root's capabilities through the setuid() that follows."""
    if prctl := find_prctl():
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)


def keep_port_binding() -> None:
    """Give up all capabilities but that of low ports, and pass that one on through exec."""
    prctl = find_prctl()
    # A container may lack it, and then nothing is kept.
    if prctl is not None and _set(1 << NET_BIND_SERVICE):
        prctl(PR_CAP_AMBIENT, AMBIENT_RAISE, NET_BIND_SERVICE, 0, 0)
    else:
        give_up_port_binding()


@contextlib.contextmanager
def port_binding_withheld() -> Iterator[None]:
    """Start processes without the right to listen on ports below 1024, within the block."""
    prctl = find_prctl()
    if prctl is None:
        yield
        return
    had = prctl(PR_CAP_AMBIENT, AMBIENT_IS_SET, NET_BIND_SERVICE, 0, 0) == 1
    prctl(PR_CAP_AMBIENT, AMBIENT_LOWER, NET_BIND_SERVICE, 0, 0)
    try:
        yield
    finally:
        if had:
            prctl(PR_CAP_AMBIENT, AMBIENT_RAISE, NET_BIND_SERVICE, 0, 0)


def give_up_port_binding() -> None:
    """Give up the last capability, in this process and in those that it starts."""
    # A capability that is not permitted is not ambient either.
    _set(0)


def _set(bits: int) -> bool:
    capset = _function("capset")
    if capset is None:
        return False
    header = _Header(version=VERSION_3, pid=0)
    # The second one is for the capabilities from 32 on.
    sets = (_Sets * 2)(_Sets(effective=bits, permitted=bits, inheritable=bits), _Sets())
    return bool(capset(ctypes.byref(header), sets) == 0)


def _function(name: str) -> Any:
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
