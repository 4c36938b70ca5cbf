"""The configuration file that Gunicorn reads: each global is one of its settings or hooks."""

import sys

from django_tandem.servers.adapters.gunicorn_settings import make_settings

globals().update(make_settings(sys.argv[1:]))
