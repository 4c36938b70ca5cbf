"""
The probes: ``/livez``, ``/readyz`` and ``/startupz``, on an address of their own.

They are answered by a thread in supervisord's process, which outlives NGINX and every server.
"""
