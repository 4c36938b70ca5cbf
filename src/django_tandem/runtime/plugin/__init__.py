"""
What supervisord loads: it runs inside supervisord's own process.

supervisord.conf names both parts as RPC interfaces, supervisor's own way to be extended.
"""

from django_tandem.runtime.plugin.generations import make_generations
from django_tandem.runtime.plugin.life import make_life

__all__ = ["make_generations", "make_life"]
