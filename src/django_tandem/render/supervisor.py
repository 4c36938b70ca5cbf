"""Render supervisord.conf from the processes of a plan."""

from django_tandem.model import File, Plan
from django_tandem.render.state import state_file, state_of
from django_tandem.render.target import Target, fill


def render(plan: Plan) -> tuple[File, ...]:
    """Return supervisord.conf, for a supervisord in the foreground, and state.json."""
    content = fill("supervisor/supervisord.conf.j2", plan=plan)
    return (File(name="supervisord.conf", content=content), state_file(state_of(plan)))


TARGET = Target(name="supervisor", summary="the processes: supervisord.conf", render=render)
