"""
The probes: ``/livez``, ``/readyz`` and ``/startupz``, on a separate address.

They are answered by a thread in supervisord's process, which outlives NGINX and every server.
"""
