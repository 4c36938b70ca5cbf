"""The whole list, in the order of the table: a family a file, and a line here."""

from faults import (
    admission,
    broken,
    containers,
    database,
    endurance,
    fanouts,
    killed_reload,
    kills,
    mirrors,
    overload,
    reloads,
    shifts,
    stops,
    supervisord,
    valkey,
)
from faults.row import Fault

FAULTS: tuple[Fault, ...] = (
    *reloads.FAULTS,
    *stops.FAULTS,
    *broken.FAULTS,
    *killed_reload.FAULTS,
    *kills.FAULTS,
    *supervisord.FAULTS,
    *containers.FAULTS,
    *overload.FAULTS,
    *shifts.FAULTS,
    *mirrors.FAULTS,
    *admission.FAULTS,
    *valkey.FAULTS,
    *fanouts.FAULTS,
    *database.FAULTS,
    *endurance.FAULTS,
)
