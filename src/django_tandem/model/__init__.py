"""The frozen values that pass between the stages of the pipeline. No I/O, no Django."""

from django_tandem.model.blocks import Block, BlockRule
from django_tandem.model.connections import ConnectionAges, ConnectionLimits, read_limits
from django_tandem.model.drain import DrainMode, DrainRule, drain_mode
from django_tandem.model.plan import (
    MAX_LINE_BYTES,
    Bind,
    Edge,
    File,
    Host,
    Include,
    LogFormat,
    Nginx,
    Overrides,
    Plan,
    Process,
    Recycle,
    Tls,
    WorkerKind,
)
from django_tandem.model.programs import Status
from django_tandem.model.project import (
    BackgroundWorker,
    ForwardedHeaders,
    Middleware,
    OtherUrlconf,
    Project,
    StaticFiles,
)
from django_tandem.model.routes import (
    EdgeRule,
    PathMatch,
    Pin,
    Protocol,
    Route,
    Stack,
    Verdict,
    View,
)
from django_tandem.model.stop import StopBudget, stop_budget

__all__ = [
    "MAX_LINE_BYTES",
    "BackgroundWorker",
    "Bind",
    "Block",
    "BlockRule",
    "ConnectionAges",
    "ConnectionLimits",
    "DrainMode",
    "DrainRule",
    "Edge",
    "EdgeRule",
    "File",
    "ForwardedHeaders",
    "Host",
    "Include",
    "LogFormat",
    "Middleware",
    "Nginx",
    "OtherUrlconf",
    "Overrides",
    "PathMatch",
    "Pin",
    "Plan",
    "Process",
    "Project",
    "Protocol",
    "Recycle",
    "Route",
    "Stack",
    "StaticFiles",
    "Status",
    "StopBudget",
    "Tls",
    "Verdict",
    "View",
    "WorkerKind",
    "drain_mode",
    "read_limits",
    "stop_budget",
]
