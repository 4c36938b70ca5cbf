"""The hybrid as the reference wrote it: NGINX, Gunicorn and Daphne on TCP, a Channels worker."""

import getpass
import os
import sys
from dataclasses import replace
from pathlib import Path

from django_tandem.bench.launch import free_address
from django_tandem.bench.topology import Setup, application_of
from django_tandem.model import File, Plan, Process, Stack
from django_tandem.render.nginx import KEEPALIVE_BY_DEFAULT

CONF = Path(__file__).with_name("by_hand.conf")


def by_hand(setup: Setup) -> Setup:
    """Return the setup with the reference's servers, as many as before, and its nginx.conf."""
    plan = setup.plan
    wsgi, asgi = free_address(), free_address()
    gunicorn = _process(
        plan,
        "wsgi",
        ("-m", "gunicorn", f"--bind={wsgi}", f"--workers={plan.served[Stack.WSGI].workers}"),
        application_of(plan, Stack.WSGI),
        description=f"gunicorn, {plan.served[Stack.WSGI].workers} processes, on TCP",
    )
    host, port = asgi.split(":")
    daphne = _process(
        plan,
        "asgi",
        ("-m", "daphne", f"--bind={host}", f"--port={port}", "--verbosity=0"),
        application_of(plan, Stack.ASGI),
        description="daphne, 1 process, on TCP",
    )
    worker = _process(
        plan,
        "channels",
        ("manage.py", "runworker", *plan.project.channel_names),
        description="runworker",
    )
    nginx = next(process for process in plan.processes if process.name == "nginx")
    conf = tuple("by_hand.conf" if word == "nginx.conf" else word for word in nginx.argv)
    edge = replace(nginx, argv=conf)
    return replace(
        setup,
        plan=replace(plan, processes=(gunicorn, daphne, worker, edge)),
        files=(File(name="by_hand.conf", content=_conf(plan, wsgi, asgi)),),
        replan=None,
    )


def by_hand_nice(setup: Setup) -> Setup:
    """Return the same with Gunicorn at the priority that tandem gives WSGI."""
    changed = by_hand(setup)
    processes = tuple(
        replace(each, argv=("nice", "-n", "10", *each.argv)) if each.name == "wsgi" else each
        for each in changed.plan.processes
    )
    return replace(changed, plan=replace(changed.plan, processes=processes))


def _process(plan: Plan, name: str, argv: tuple[str, ...], *more: str, description: str) -> Process:
    served = next(process for process in plan.processes if process.stacks)
    return Process(
        name=name,
        argv=(sys.executable, *argv, *more),
        description=description,
        directory=plan.project.directory,
        priority=20,
        environment=served.environment,
    )


def _conf(plan: Plan, wsgi: str, asgi: str) -> str:
    words = {
        "@BIND@": str(plan.edge.binds[0]),
        "@WSGI@": wsgi,
        "@ASGI@": asgi,
        # The default of the NGINX that the reference had.
        "@KEEPALIVE@": "keepalive 0;" if plan.edge.nginx.version >= KEEPALIVE_BY_DEFAULT else "",
        "@USER@": f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
    }
    text = CONF.read_text()
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text
