"""The programs in supervisord: their names, what a name alone reveals, and their states."""

from dataclasses import dataclass

from django_tandem.model.routes import Stack

CHANNELS = "channels"
MASTER = "master"
MONITOR = "monitor"
NGINX = "nginx"
VALKEY = "valkey"

# In the run directory.
VALKEY_SOCKET = "valkey.sock"
SUPERVISORD_PID_FILE = "supervisord.pid"

# What a shared master's command line runs by `python -m`.
MASTER_MODULE = "django_tandem.servers.adapters.master"
# The signal on which its Channels workers finish and end, as its generation drains.
RETIRE_CHANNELS = "WINCH"

# The workers of a shared master, in the order of their start.
KINDS = (Stack.WSGI, Stack.ASGI, CHANNELS)


def numbered(name: str, generation: int | None) -> str:
    """Return the name with the number of its generation, if it has one: ``wsgi-2``."""
    return name if generation is None else f"{name}-{generation}"


def is_named(program: str, name: str) -> bool:
    """
    Return whether ``name`` is a program's: ``wsgi`` that of ``wsgi-2``.

    That of the first replica in generation 2, ``tasks-1-2``, is ``tasks`` or ``tasks-1``.
    """
    numbers = program.removeprefix(name).split("-")
    is_numbered = numbers[0] == "" and len(numbers) <= 3 and all(map(str.isdigit, numbers[1:]))
    return program.startswith(name) and is_numbered


def generation_of(program: str) -> int:
    """Return the generation in a program's name, such as 2 of ``wsgi-2``; 0 for one without."""
    number = program.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def is_optional(program: str) -> bool:
    """Return whether a stack is ready, and keeps running, without this program."""
    return program == MONITOR


def is_master(program: str) -> bool:
    """Return whether a program is the shared master of a generation."""
    return program.rpartition("-")[0] == MASTER


def kinds_of(program: str) -> dict[str, str]:
    """
    Return the kinds of workers that a program may have, with the name of each: of its log.

    By the program's name alone, since the plan of a generation is forgotten once it is replaced.
    """
    name, _, generation = program.rpartition("-")
    return {kind: f"{kind}-{generation}" for kind in KINDS if name in (kind, MASTER)}


def socket_names(program: str) -> dict[Stack, str]:
    """Return the names of the sockets that a program's servers listen on, without ``.sock``."""
    kinds = kinds_of(program)
    return {stack: kinds[stack] for stack in Stack if stack in kinds}


def log_names(program: str) -> tuple[str, ...]:
    """Return the names of the logs that a program and its workers write, without ``.log``."""
    return tuple(dict.fromkeys((*kinds_of(program).values(), program)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of one process in supervisord; ``pid`` is 0 when it does not run."""

    name: str
    state: str
    pid: int
    since_s: int
    detail: str = ""
