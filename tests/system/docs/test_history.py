"""The queries of how-to/history.md are of columns that there are."""

import re
import sqlite3
import time
from contextlib import closing

from docs.blocks import ROOT

from django_tandem.monitor.history import HISTORY, HistoryWriter
from django_tandem.monitor.minutes import RouteMinute

PAGE = ROOT / "docs/how-to/history.md"


def test_each_query_of_the_page_finds_the_requests_of_a_minute(tmp_path) -> None:
    """As SQL and in Python."""
    record = RouteMinute(
        int(time.time()) // 60, "/api/lots/", "wsgi", statuses={200: 3, 500: 1}, cpu_known=4
    )
    HistoryWriter(tmp_path / HISTORY).write([record])
    text = PAGE.read_text()
    queries = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    queries += re.findall(r'execute\("(.*?)"\)', text)

    with closing(sqlite3.connect(tmp_path / HISTORY)) as connection:
        found = [connection.execute(each).fetchall() for each in queries]
    assert [len(rows) for rows in found] == [1, 1, 1, 1]
