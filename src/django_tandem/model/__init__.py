"""The frozen values that pass between the stages of the pipeline. No I/O, no Django."""

from django_tandem.model.file import File
from django_tandem.model.machine import Host, Nginx
from django_tandem.model.plan import Bind, Edge, Overrides, Plan, Process, Tls, WorkerKind
from django_tandem.model.project import (
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
from django_tandem.model.status import Status

__all__ = [
    "Bind",
    "Edge",
    "EdgeRule",
    "File",
    "ForwardedHeaders",
    "Host",
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
    "Route",
    "Stack",
    "StaticFiles",
    "Status",
    "Tls",
    "Verdict",
    "View",
    "WorkerKind",
]
