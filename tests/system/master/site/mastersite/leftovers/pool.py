"""A pool of connections of the project's own."""

from psycopg_pool import ConnectionPool

pool = ConnectionPool("host=127.0.0.1 port=9", open=True)
