"""The edge's part of a plan → a small nginx.conf that tells what the real one would do."""

from django_tandem.model import File, Plan
from django_tandem.render.nginx import merge_neighbours, what_decides
from django_tandem.render.target import fill

# Where it listens, in the directory that it lies in.
SOCKET = "edge.sock"


def render(plan: Plan) -> File:
    """
    Return the file for an NGINX of its own.

    It answers with the stack, the number of the rule from 1 on, and the target passed on, each
    in a header X-Tandem-…. What decides is read from the very templates of the real file.
    """
    rules = [line.regex for rule in plan.edge.rules for line in merge_neighbours([rule])]
    content = fill("nginx/probe.conf.j2", **what_decides(plan), rules=rules)
    return File(name="nginx.conf", content=content)
