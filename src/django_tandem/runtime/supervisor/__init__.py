"""
The plugin that supervisord loads: it runs inside supervisord's own process.

supervisord.conf names ``make_plugin`` as an RPC interface, supervisor's own way to be extended.
"""

from django_tandem.runtime.supervisor.plugin import make_plugin

__all__ = ["make_plugin"]
