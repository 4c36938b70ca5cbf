"""The conditions of a start, checked before anything is started; each error has a hint."""

import errno
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.version import Version

from django_tandem import pipeline, servers
from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import Bind, Include, Nginx, Plan, Stack
from django_tandem.plan.background_workers import AUTO
from django_tandem.render import nginx
from django_tandem.runtime import accounts
from django_tandem.runtime.nginx_environment import nginx_environment
from django_tandem.runtime.run_dir import require_usable_temp_dir
from django_tandem.servers import Server
from django_tandem.settings import EdgeSettings, Settings

NICE = "nice"
# The kernel takes no longer path of a socket.
LONGEST_SOCKET = 107
# The settings of the addresses.
BIND = 'TANDEM["BIND"]'
REDIRECT = 'TANDEM["EDGE"]["REDIRECT"]'
HEALTH = 'TANDEM["HEALTH"]'
METRICS = 'TANDEM["METRICS"]'
RELOAD_GROUP = 'TANDEM["RELOAD_GROUP"]'


def require_all(plan: Plan, settings: Settings, listening: Collection[str] = ()) -> None:
    """
    Raise MachineError for the first thing that the plan needs and this machine does not have.

    ``listening`` are the addresses that the edge listens on already.
    """
    for error in find_missing(plan, settings, listening):
        raise error


def find_missing(
    plan: Plan, settings: Settings, listening: Collection[str] = ()
) -> Iterator[MachineError]:
    """Yield an error for each thing that the plan needs and this machine does not have."""
    for require in _requirements(plan, settings, listening):
        try:
            require()
        except MachineError as error:
            yield error


def _requirements(
    plan: Plan, settings: Settings, listening: Collection[str]
) -> Iterator[Callable[[], None]]:
    for stack in plan.served:
        chosen = settings.wsgi if stack is Stack.WSGI else settings.asgi
        yield partial(require_installed, servers.find(stack, chosen.server))
    # A reload has no `--bind`.
    option = BIND if listening and plan.overrides.bind is None else "`--bind`"
    for bind, setting in _addresses(plan, option):
        if str(bind) not in listening:
            yield partial(require_free, bind, setting)
    if plan.reload_group:
        yield partial(require_group, plan.reload_group)
    if plan.health_socket:
        yield partial(require_socket_directory, Path(plan.health_socket))
    if plan.has_edge and plan.edge.temp_dir:
        yield partial(require_usable_temp_dir, Path(plan.edge.temp_dir))
    for option, given in _named_files(plan, settings):
        yield partial(require_readable, option, given, plan.project.directory)
    if any(process.argv[0] == NICE for process in plan.processes if process.stacks):
        yield partial(require_nice, 'TANDEM["WSGI"]["NICE"]', settings.wsgi.nice)
    yield from _requirements_of_programs(plan, settings)


def _requirements_of_programs(plan: Plan, settings: Settings) -> Iterator[Callable[[], None]]:
    for name, program in settings.programs:
        if program.nice:
            yield partial(require_nice, f'TANDEM["PROGRAMS"]["{name}"]["NICE"]', program.nice)
        if program.command != AUTO:
            yield partial(require_program, name, program.command[0], plan.project.directory)


def _addresses(plan: Plan, option: str = "`--bind`") -> Iterator[tuple[Bind, str]]:
    """Yield each address to listen on, and what sets it: ``option`` or a setting."""
    for bind in plan.edge.addresses if plan.has_edge else ():
        yield bind, REDIRECT if bind in plan.edge.redirects else option
    for stack, bind in plan.stack_binds.items():
        yield bind, f'TANDEM["{stack.upper()}"]["BIND"]'
    for bind in plan.health_binds:
        yield bind, HEALTH
    for bind in plan.metrics_binds:
        yield bind, METRICS


def require_group(group: str) -> None:
    """Raise MachineError when this machine has no such group."""
    accounts.find_group(group, RELOAD_GROUP)


def require_nice(option: str, niceness: int | None) -> None:
    """Raise MachineError when there is no `nice`, which POSIX has and some images lack."""
    if shutil.which(NICE) is None:
        shown = '"auto"' if niceness is None else niceness
        raise MachineError(
            f"{option} is {shown}, and there is no `nice` on this machine.",
            hint=f"Install it (coreutils), or set {option} to 0.",
        )


def require_installed(server: Server) -> None:
    """Raise MachineError when the package of ``server`` is not installed, or too old."""
    chosen = f'TANDEM["{server.stack.upper()}"]["SERVER"] is "{server.name}"'
    try:
        installed = version(server.distribution)
    except PackageNotFoundError:
        package = f'"django-tandem[{server.extra}]"' if server.extra else server.distribution
        raise MachineError(
            f"{chosen}, and the package {server.distribution} is not installed.",
            hint=f"Run pip install {package}.",
        ) from None
    if Version(installed) < Version(server.least_version):
        wanted = f"{server.distribution}>={server.least_version}"
        raise MachineError(
            f"{chosen}, which {server.distribution} has from {server.least_version} on, and "
            f"{installed} is installed.",
            hint=f'Run pip install "{wanted}".',
        )


def _named_files(plan: Plan, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each option that names a file for NGINX or a server to read, and the file."""
    if plan.has_edge:
        for option, file in _files_of_edge(settings.edge):
            yield f'TANDEM["EDGE"]{option}', file
    tls = settings.peers.tls
    if tls is not None and (plan.stack_binds or (plan.has_edge and plan.edge.peers)):
        named = {"CERTIFICATE": tls.certificate, "KEY": tls.key, "CA": tls.ca}
        for option, file in named.items():
            yield f'TANDEM["PEERS"]["TLS"]["{option}"]', file


def _files_of_edge(edge: EdgeSettings) -> Iterator[tuple[str, str]]:
    include = edge.include or Include()
    if include.http is not None:
        yield '["INCLUDE"]["http"]', include.http
    if include.server is not None:
        yield '["INCLUDE"]' if include.http is None else '["INCLUDE"]["server"]', include.server
    if edge.acme_root is not None:
        yield '["ACME_ROOT"]', edge.acme_root
    if edge.tls is not None:
        yield '["TLS"]["CERTIFICATE"]', edge.tls.certificate
        yield '["TLS"]["KEY"]', edge.tls.key
    for status, page in edge.error_pages:
        yield f'["ERROR_PAGES"][{status}]', page


def require_readable(option: str, given: str, project_directory: str) -> None:
    """Raise MachineError for a file named in the settings that can't be read."""
    if not os.access(Path(project_directory, given), os.R_OK):
        raise MachineError(
            f'{option} is "{given}", which is not readable.',
            hint="Give its path; a relative one is relative to the directory of manage.py.",
        )


def require_program(name: str, program: str, project_directory: str) -> None:
    """Raise MachineError when a program from the settings is not on this machine."""
    # As supervisord finds it: a path relative to the project, or a name on PATH.
    in_project = Path(project_directory, program)
    if not (shutil.which(program) or ("/" in program and os.access(in_project, os.X_OK))):
        raise MachineError(
            f'TANDEM["PROGRAMS"]["{name}"] begins with "{program}", which is not a program here.',
            hint="Install it, or give its absolute path.",
        )
    file = Path(shutil.which(program) or in_project)
    if problem := _why_not_executable(file):
        raise MachineError(
            f'TANDEM["PROGRAMS"]["{name}"] begins with "{program}", which can\'t be run: '
            f"{problem}.",
            hint='A script begins with a line such as "#!/usr/bin/env python3".',
        )


def _why_not_executable(file: Path) -> str:
    """Return why the kernel would not execute ``file``; empty when no reason is found."""
    try:
        with file.open("rb") as opened:
            start = opened.read(4096)
    except OSError:
        # A program may be executed and not read.
        return ""
    if not start.startswith(b"#!"):
        is_text = b"\0" not in start
        return 'it has no "#!" line' if is_text else ""
    line = start[2:].split(b"\n", 1)[0].strip()
    interpreter = os.fsdecode(line.split(maxsplit=1)[0]) if line else ""
    if os.access(interpreter, os.X_OK):
        return ""
    return f'its interpreter "{interpreter}" is not a program here'


def require_free(bind: Bind, option: str = "`--bind`") -> None:
    """Raise MachineError when nothing could listen on ``bind``, which ``option`` sets."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((bind.host, bind.port))
        except OSError as error:
            raise _cannot_listen(bind, error, option) from error


def require_socket_directory(path: Path) -> None:
    """Raise MachineError when no socket can be made at ``path``, for the probes."""
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        problem = f"is longer than {LONGEST_SOCKET} bytes"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        problem = "is in a directory that can't be written to"
    elif path.exists() and not path.is_socket():
        problem = "is another file"
    else:
        return
    raise MachineError(
        f"{HEALTH} is the socket {path}, which {problem}.",
        hint='Name another path, or "unix" for the socket in the run directory.',
    )


def needs_port_binding(plan: Plan) -> bool:
    """Return whether the plan listens on a port that an ordinary user may not listen on."""
    try:
        first_open = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        first_open = 1024
    return any(bind.port < first_open for bind, _ in _addresses(plan))


def _cannot_listen(bind: Bind, error: OSError, option: str) -> MachineError:
    match error.errno:
        case errno.EADDRINUSE:
            return MachineError(
                f"{bind} is in use by another program.",
                hint=f"Stop that program, or listen on another address with {option}.",
            )
        case errno.EACCES:
            return MachineError(
                f"This user may not listen on {bind}.",
                hint=f"Listen on a port of at least 1024 with {option}.",
            )
        case _:
            return MachineError(
                f"{bind} is not an address of this machine: {error.strerror}.",
                hint=f"Listen on another address with {option}.",
            )


def refuse_bad_edge(plan: Plan, run_dir: Path, file: str = "nginx.conf") -> None:
    """Raise RefusedError, with NGINX's own line, when NGINX refuses the rendered file."""
    if not plan.has_edge:
        return
    found = check_nginx(plan.edge.nginx, run_dir, file)
    if found:
        raise RefusedError("NGINX rejects the rendered nginx.conf.", hint=found)


def edge_errors(plan: Plan) -> str:
    """Render the edge to a scratch directory; return the errors that NGINX finds in it."""
    if not plan.has_edge:
        return ""
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        # NGINX makes the directories that its file names.
        in_scratch = replace(plan, run_dir=scratch, edge=replace(plan.edge, temp_dir=None))
        pipeline.write(nginx.render(in_scratch), Path(scratch))
        return check_nginx(plan.edge.nginx, Path(scratch)).replace(scratch, plan.run_dir)


def check_nginx(program: Nginx, directory: Path, file: str = "nginx.conf") -> str:
    """Run ``nginx -t`` on the ``file`` in ``directory``; return its errors."""
    done = subprocess.run(
        [program.program, "-t", "-q", "-p", f"{directory}/", "-c", file, "-e", "stderr"],
        cwd=directory,
        env=nginx_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if done.returncode == 0 else done.stderr.strip()
