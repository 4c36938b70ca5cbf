"""The environment variables in which a plan reaches the processes that it starts."""

# Uvicorn and Granian take options from such variables. The servers get none of them: in Kubernetes
# each pod in the namespace of a Service named uvicorn has UVICORN_PORT, which is a URL.
OF_SERVERS = ("UVICORN_", "GRANIAN_")

ASGI_APPLICATION = "TANDEM_ASGI_APPLICATION"
CONNECTIONS = "TANDEM_CONNECTIONS"
DRAIN = "TANDEM_DRAIN"
ENV_FILE = "TANDEM_ENV_FILE"
FIRST_REQUEST = "TANDEM_FIRST_REQUEST"
GENERATION = "TANDEM_GENERATION"
GETS_RUN_DIR = "TANDEM_GETS_RUN_DIR"
HANDLER = "TANDEM_HANDLER"
HANDOVER = "TANDEM_HANDOVER"
LOCK = "TANDEM_LOCK"
LOG_FORMAT = "TANDEM_LOG_FORMAT"
MAILBOX = "TANDEM_MAILBOX"
MANAGE_PY = "TANDEM_MANAGE_PY"
# What the requests to the stacks come from: "edge", or "direct" from a gateway.
GATEWAY = "TANDEM_GATEWAY"
DIRECT = "direct"
EXIT_S = "TANDEM_EXIT_S"
MONITOR = "TANDEM_MONITOR"
# The secret that a stack requires of each request; the edge sends it.
PEER_SECRET = "TANDEM_PEER_SECRET"  # noqa: S105 - the name of a variable
# The files with which a server requires a certificate of the edge.
PEER_TLS = "TANDEM_PEER_TLS"
PINS = "TANDEM_PINS"
PRELOAD = "TANDEM_PRELOAD"
PROGRAM = "TANDEM_PROGRAM"
RESOLVE_FIRST = "TANDEM_RESOLVE_FIRST"
ROLE = "TANDEM_ROLE"
RUN_DIR = "TANDEM_RUN_DIR"
MANAGE_PY_SETS = "TANDEM_MANAGE_PY_SETS"
SECRET = "TANDEM_SECRET"  # noqa: S105 - the name of a variable
SECRET_FILE = "TANDEM_SECRET_FILE"  # noqa: S105 - the name of a variable
# Django's own.
SETTINGS_MODULE = "DJANGO_SETTINGS_MODULE"
SLOW_S = "TANDEM_SLOW_S"
STARTED_BY_ROOT = "TANDEM_STARTED_BY_ROOT"
STOP_S = "TANDEM_STOP_S"
STATIC = "TANDEM_STATIC"
STATSD_ARGS = "STATSD_ARGS"
THREADS = "TANDEM_THREADS"
# Set where one program runs without supervisord: it logs to its standard streams.
UNSUPERVISED = "TANDEM_UNSUPERVISED"
WSGI_APPLICATION = "TANDEM_WSGI_APPLICATION"
