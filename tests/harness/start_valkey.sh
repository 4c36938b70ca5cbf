#!/bin/sh
# What the official image does: it serves every host. Debian's serves its own host alone.
exec /usr/bin/valkey-server "$@" --protected-mode no
