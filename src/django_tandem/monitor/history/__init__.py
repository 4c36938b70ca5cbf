"""
The history: what each route did on each stack, for two weeks, in an SQLite file.

A day is kept by the minute, two more by ten minutes, and the rest by the hour. The journal is
SQLite's ordinary one: the file alone is whole, so a copy of it can be read, also where nothing
can be written, and a transaction that a full disk ends leaves it as it was.
"""

from django_tandem.monitor.history.reader import read
from django_tandem.monitor.history.writer import HistoryWriter

__all__ = ["HISTORY", "HistoryWriter", "read"]

# The file in the run directory.
HISTORY = "history.sqlite3"
