"""The messages of client processes, their sums, and what a load needs of the machine."""

import pytest

from django_tandem.bench.fanout_workload import (
    ClientCounts,
    FanoutJob,
    decode_job,
    encode_job,
    handshake_of,
    latency_of,
    source_addresses,
    total_counts,
)

JOB = FanoutJob(url="http://127.0.0.1:8000", path="/ws/lots/1/", headers=(("Cookie", "a=1"),))


def _counts(**changes: object) -> ClientCounts:
    given = {
        "open": 1,
        "delivered": 2,
        "repeated": 0,
        "latencies": ((3, 2),),
        "reopening": (),
        "closed": (("1012", 1),),
        "refused": (),
        "cpu_s": 0.5,
    }
    return ClientCounts(**{**given, **changes})


def test_a_job_arrives_as_it_was_sent() -> None:
    """As one line of JSON."""
    assert decode_job(encode_job(JOB)) == JOB


def test_the_counts_of_processes_are_added() -> None:
    """Latencies by their bins, closes by their codes."""
    found = total_counts([_counts(), _counts(latencies=((3, 1), (9, 1)), closed=(("1006", 2),))])

    assert (found.open, found.delivered, found.cpu_s) == (2, 4, 1.0)
    assert found.latencies == ((3, 3), (9, 1))
    assert found.closed_total == 3


def test_percentiles_are_of_the_bins() -> None:
    """By nearest rank; a bin is a tenth of a millisecond."""
    found = latency_of(((10, 98), (500, 2)))

    assert found is not None
    assert (found.count, found.p50_ms, found.p95_ms, found.p99_ms) == (100, 1.0, 1.0, 50.0)
    assert latency_of(()) is None


def test_a_handshake_offers_compression_as_a_browser_does() -> None:
    """Unless the job has it otherwise; its origin is the host."""
    lines = handshake_of(JOB).decode().split("\r\n")

    assert lines[0] == "GET /ws/lots/1/ HTTP/1.1"
    assert "Origin: http://127.0.0.1:8000" in lines
    assert "Cookie: a=1" in lines
    assert any(line.startswith("Sec-WebSocket-Extensions: permessage-deflate") for line in lines)
    plain = FanoutJob(url=JOB.url, path=JOB.path, offers_deflate=False)
    assert b"deflate" not in handshake_of(plain)


def test_a_given_host_is_the_origin_too() -> None:
    """Once each, however it is written."""
    job = FanoutJob(url=JOB.url, path=JOB.path, headers=(("host", "lots.example"),))
    lines = handshake_of(job).decode().split("\r\n")

    assert [line for line in lines if line.lower().startswith("host:")] == ["host: lots.example"]
    assert "Origin: http://lots.example" in lines


@pytest.mark.parametrize(
    ("count", "ports", "addresses"),
    [
        (10_000, 28_232, ("127.0.0.1",)),
        (30_000, 28_232, ("127.0.0.1", "127.0.0.2", "127.0.0.3")),
        (1, 0, ("127.0.0.1",)),
    ],
)
def test_a_source_address_has_half_of_its_ports_for_clients(count, ports, addresses) -> None:
    """Connections that were closed keep theirs for a minute."""
    assert source_addresses(count, ports) == addresses
