"""A plan's processes → supervisord.conf."""

from django_tandem.model import File, Plan
from django_tandem.render.state import state_file, state_of
from django_tandem.render.target import Target, fill


def render(plan: Plan) -> tuple[File, ...]:
    """Return supervisord.conf, which supervisord runs in the foreground, and the state of it."""
    content = fill("supervisor/supervisord.conf.j2", plan=plan)
    return (File(name="supervisord.conf", content=content), state_file(state_of(plan)))


TARGET = Target(name="supervisor", summary="the processes: supervisord.conf", render=render)
