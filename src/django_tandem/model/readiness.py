"""What a server's own socket answers to health checks, past the project."""

READY_PATH = "/.tandem/ready"
# Whether migrations are unapplied, by WSGI alone.
MIGRATIONS_PATH = "/.tandem/migrations"
MIGRATIONS_UNREAD = "They have not been read yet."
