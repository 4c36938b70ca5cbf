"""
What supervisord loads: it runs inside supervisord's own process.

supervisord.conf names each part as an RPC interface, supervisor's own way to be extended.
"""

from django_tandem.runtime.supervisor.life import make_life
from django_tandem.runtime.supervisor.restarts import make_restarts
from django_tandem.runtime.supervisor.succession import make_generations

__all__ = ["make_generations", "make_life", "make_restarts"]
