"""Plan → running processes: start, readiness, status, logs, stop."""
