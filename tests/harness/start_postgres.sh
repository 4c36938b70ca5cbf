#!/bin/sh
# As the image of PostgreSQL does: create the database at the first start, and serve it.
set -e
export PGDATA=/var/lib/postgresql/data
if ! test -s "$PGDATA/PG_VERSION"; then
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust \
    --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-sync
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options "-c listen_addresses= -k /tmp" start
  createdb --host /tmp --username "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl --wait stop
fi
exec postgres -c listen_addresses=* -k /tmp -c fsync=off
