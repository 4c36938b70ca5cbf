"""A slow disk keeps nobody waiting but the thread that writes."""

import threading

from django_tandem.monitor.background_writer import BackgroundWriter
from django_tandem.monitor.minutes import RouteMinute


def minute(number: int) -> list[RouteMinute]:
    return [RouteMinute(number, "shop/", "wsgi")]


def test_minutes_are_written_one_after_the_other() -> None:
    """close() waits for them."""
    written = []
    writer = BackgroundWriter(written.extend)

    writer.write(minute(1))
    writer.write(minute(2))
    writer.close()

    assert written == [*minute(1), *minute(2)]


def test_a_minute_is_lost_while_two_are_unfinished(capsys) -> None:
    """They would take more and more memory."""
    released, written = threading.Event(), []

    def write(records: list[RouteMinute]) -> None:
        released.wait(10)
        written.extend(records)

    writer = BackgroundWriter(write)
    for number in range(4):
        writer.write(minute(number))
    released.set()
    writer.close()

    assert written == [*minute(0), *minute(1)]
    line = "Writing to the disk took longer than a minute: the history lacks one.\n"
    assert capsys.readouterr().err == 2 * line


def test_a_bug_of_one_minute_does_not_end_the_others(capsys) -> None:
    """Its traceback is in the log."""
    written = []

    def write(records: list[RouteMinute]) -> None:
        if records[0].minute == 1:
            raise LookupError("a bug")
        written.extend(records)

    writer = BackgroundWriter(write)
    for number in (1, 2):
        writer.write(minute(number))
    writer.close()

    assert written == minute(2)
    assert "LookupError: a bug" in capsys.readouterr().err
