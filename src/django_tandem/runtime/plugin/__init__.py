"""
What supervisord loads: it runs inside supervisord's own process.

supervisord.conf names each part as an RPC interface, supervisor's own way to be extended.
"""

from django_tandem.runtime.plugin.life import make_life
from django_tandem.runtime.plugin.restarts import make_restarts
from django_tandem.runtime.plugin.succession import make_generations

__all__ = ["make_generations", "make_life", "make_restarts"]
