"""The names of the programs that a plan starts, and what a name alone reveals of a program."""

from django_tandem.model.routes import Stack

CHANNELS = "channels"
NGINX = "nginx"
VALKEY = "valkey"


def numbered(name: str, generation: int | None) -> str:
    """Return the name with the number of its generation, if it has one: ``wsgi-2``."""
    return name if generation is None else f"{name}-{generation}"


def generation_of(program: str) -> int:
    """Return the generation in a program's name, such as 2 of ``wsgi-2``; 0 for one without."""
    number = program.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def listeners(program: str) -> dict[Stack, str]:
    """
    Return the names of the sockets that a program's servers listen on, without ``.sock``.

    By the name alone, since the plan of a generation is forgotten once it is replaced.
    """
    name = program.rpartition("-")[0]
    return {stack: program for stack in Stack if stack == name}
