"""Breakages of the history, of StatsD and of the alerts."""

from breakage.mutant import Mutant

WRITER = "tests/unit/monitor/history/test_writer.py"
READER = "tests/unit/monitor/history/test_reader.py"
STATSD = "tests/unit/monitor/test_statsd.py"
ALERTS = "tests/unit/render/monitoring/test_alerts.py"

MUTANTS = (
    Mutant(
        name="a minute replaced that is written twice",
        file="monitor/history/writer.py",
        old="            stored.add(record)\n",
        new="            stored = record\n",
        tests=(WRITER,),
    ),
    Mutant(
        name="minutes joined before they are old",
        file="monitor/history/writer.py",
        old="if end > now - finer.kept:",
        new="if end > now:",
        tests=(WRITER,),
    ),
    Mutant(
        name="old records kept",
        file="monitor/history/writer.py",
        old="            _remove_old(connection, now)\n",
        new="",
        tests=(WRITER,),
    ),
    Mutant(
        name="a history without a bound",
        file="monitor/history/writer.py",
        old="            _remove_beyond(connection, bound)\n",
        new="",
        tests=(WRITER,),
    ),
    Mutant(
        name="a single page returned to the file system",
        file="monitor/history/writer.py",
        old='executescript("PRAGMA incremental_vacuum")',
        new='execute("PRAGMA incremental_vacuum")',
        tests=(WRITER,),
    ),
    Mutant(
        name="a damaged file taken for a full disk",
        file="monitor/history/writer.py",
        old="return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)",
        new="return False",
        tests=(WRITER,),
    ),
    Mutant(
        name="each line of a full disk",
        file="monitor/history/writer.py",
        old="        self._is_failing = True\n",
        new="",
        tests=(f"{WRITER}::test_a_file_that_cannot_be_written_gets_its_minutes_later",),
    ),
    Mutant(
        name="an hour of the history read in parts",
        file="monitor/history/reader.py",
        old="            hour += HOUR\n",
        new="            hour += HOUR // 6\n",
        tests=(f"{READER}::test_the_writer_does_not_wait_for_a_reader",),
    ),
    Mutant(
        name="a reader that can't apply a journal",
        file="monitor/history/tables.py",
        old='mode = "rw" if',
        new='mode = "ro" if',
        tests=(f"{READER}::test_what_a_killed_writer_has_begun_is_not_read",),
    ),
    Mutant(
        name="the first requests taken for a sample",
        file="monitor/statsd.py",
        old="random.randrange(self._timed)",
        new="MOST_DURATIONS",
        tests=(STATSD,),
    ),
    Mutant(
        name="datagrams larger than a packet",
        file="monitor/statsd.py",
        old="size + len(line) > DATAGRAM_BYTES",
        new="len(line) > DATAGRAM_BYTES",
        tests=(STATSD,),
    ),
    Mutant(
        name="a socket kept whose server has gone",
        file="monitor/statsd.py",
        old="self._connect_at = min(self._connect_at, time.monotonic() + RETRY_S)",
        new="return",
        tests=(STATSD,),
    ),
    Mutant(
        name="the queue taken for time in the worker",
        file="monitor/statsd.py",
        old="line.worker_s - (line.queue_s or 0.0)",
        new="line.worker_s",
        tests=(STATSD,),
    ),
    Mutant(
        name="requests counted by Gunicorn and by the monitor",
        file="servers/adapters/gunicorn_settings.py",
        old='        defaults["logger_class"] = LOG_COUNTS\n',
        new="        pass\n",
        tests=("tests/unit/servers/test_gunicorn_settings.py",),
    ),
    Mutant(
        name="the first error of a status not counted",
        file="render/monitoring/alerts.py",
        old='f"({begun} and {scraped}) or increase({selector}[{window}])"',
        new='f"increase({selector}[{window}])"',
        tests=(f"{ALERTS}::test_each_alert_fires_when_it_should",),
    ),
)
