"""A reader takes no part of a slot while it is written."""

import pytest

from django_tandem.inprocess import slot_file
from django_tandem.inprocess.slot_file import SLOT_BYTES, SlotWriter, read_slot

OLD, NEW = ("GET", "/old/", "", "/old/"), ("GET", "/new/", "", "/new/")


@pytest.fixture
def buffer():
    """Return a slot with one request."""
    buffer = bytearray(SLOT_BYTES)
    writer = SlotWriter(buffer)
    writer.numbers[slot_file.VERSION_AT] = slot_file.VERSION
    writer.write_details(b'{"stack": "wsgi"}')
    writer.write_request(0, 1.0, OLD)
    return buffer


def shown(buffer):
    return [each.route for each in read_slot(buffer).in_flight]


def begin_write(buffer, at):
    """Leave a part as it is in the middle of a write."""
    memoryview(buffer).cast("Q")[at // 8] += 1


def test_a_request_that_is_being_written_is_left_out(buffer):
    """Until its write is complete, which the next one of its place is."""
    assert shown(buffer) == ["/old/"]
    begin_write(buffer, slot_file._HEADER_BYTES)
    during = shown(buffer)
    SlotWriter(buffer).write_request(0, 1.0, NEW)

    assert during == []
    assert shown(buffer) == ["/new/"]


def test_a_request_that_was_written_meanwhile_is_read_again(buffer, monkeypatch):
    """The first attempt has its old texts."""
    read, writes = slot_file._read_request, [NEW]

    def write_meanwhile(view, at):
        found = read(view, at)
        if writes and found:
            SlotWriter(buffer).write_request(0, 1.0, writes.pop())
        return found

    monkeypatch.setattr(slot_file, "_read_request", write_meanwhile)

    assert shown(buffer) == ["/new/"]


def test_a_slot_whose_details_are_being_written_is_not_read(buffer):
    """Its reader keeps the last one."""
    begin_write(buffer, slot_file._DETAILS_AT)
    during = read_slot(buffer)
    SlotWriter(buffer).write_details(b'{"stack": "asgi"}')

    assert during is None
    assert read_slot(buffer).stack == "asgi"


def test_details_that_do_not_fit_their_checksum_are_not_read(buffer):
    """Another processor may show them before their sequence number."""
    buffer[slot_file._DETAILS_AT + slot_file._DETAILS.size + 3] ^= 1

    assert read_slot(buffer) is None


def test_a_slot_of_another_layout_is_not_read(buffer):
    """As of a worker that an older version of django-tandem has started."""
    SlotWriter(buffer).numbers[slot_file.VERSION_AT] += 1

    assert read_slot(buffer) is None
