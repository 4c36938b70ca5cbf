"""The gauges keep the largest values of each ten seconds of the last hour."""

from django_tandem.monitor.gauges import KEPT_S, STEP_S, Gauges
from django_tandem.runtime.listen_queues import ListenQueue
from harness.monitored import NOW, sample

QUEUES = {"wsgi": ListenQueue(length=7, limit=64)}


def test_a_gauge_is_the_largest_value_of_its_step() -> None:
    """A queue that was full for a second is seen."""
    gauges = Gauges()
    gauges.add(NOW, sample().workers, QUEUES)
    gauges.add(NOW + STEP_S - 1, (), {"wsgi": ListenQueue(length=1, limit=64)})

    assert gauges.as_json() == [
        {
            "at": NOW,
            "stack": "asgi",
            "queue_length": None,
            "workers_busy": 1,
            "websockets": 104,
            "streams": 0,
            "lag_s": 0.002,
        },
        {
            "at": NOW,
            "stack": "wsgi",
            "queue_length": 7,
            "workers_busy": 3,
            "websockets": 0,
            "streams": 0,
            "lag_s": None,
        },
    ]


def test_an_hour_is_kept() -> None:
    """Older gauges are forgotten."""
    gauges = Gauges()
    for second in range(0, KEPT_S + 600, STEP_S):
        gauges.add(NOW + second, (), QUEUES)

    kept = [each["at"] for each in gauges.as_json()]
    assert kept[0] == kept[-1] - KEPT_S
    assert len(kept) == KEPT_S // STEP_S + 1
