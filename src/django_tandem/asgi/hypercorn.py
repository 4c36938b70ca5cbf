"""The configuration that Hypercorn reads: what has no switch on its command line."""

worker_class = "uvloop"
include_server_header = False
websocket_ping_interval = 20.0
h11_max_incomplete_size = 64 * 1024
