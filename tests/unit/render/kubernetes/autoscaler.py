"""The controller of a HorizontalPodAutoscaler, and pods with workers, in steps of 15 s."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

# The controller's own: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
STEP_S = 15
TOLERANCE = 0.1
DOWN_S = 300
# From the decision to a pod that is ready.
START_S = 30


def replicas(recorded: float, target: float, current: int) -> int:
    """Return what the controller wants of a metric that is recorded for all pods together."""
    if abs(recorded / (target * current) - 1) <= TOLERANCE:
        return current
    return math.ceil(recorded / target)


@dataclass(slots=True)
class Controller:
    """It follows the largest wish, at most doubles a minute, and waits before it goes down."""

    least: int
    most: int
    current: int
    _wishes: deque[int] = field(default_factory=lambda: deque(maxlen=DOWN_S // STEP_S))
    _minute: deque[int] = field(default_factory=lambda: deque(maxlen=60 // STEP_S))

    def step(self, metrics: Iterable[tuple[float, float]]) -> int:
        """Return the number of pods from now on; ``metrics`` are recorded values and targets."""
        self._minute.append(self.current)
        wished = max(replicas(value, target, self.current) for value, target in metrics)
        self._wishes.append(min(max(wished, self.least), self.most))
        before = self._minute[0]
        highest = max(2 * before, before + 2)
        # It goes down to the highest wish of the last five minutes.
        self.current = (
            min(self._wishes[-1], highest)
            if wished > self.current
            else min(self.current, max(self._wishes))
        )
        return self.current


@dataclass(slots=True)
class WsgiPods:
    """Pods with a number of workers each, and a queue each, under a rate of requests a second."""

    workers: int
    service_s: float
    queue: int
    pods: int
    waiting: float = 0.0
    _starting: deque[int] = field(default_factory=lambda: deque([0] * (START_S // STEP_S)))

    def step(self, rate: float, wanted: int) -> tuple[float, float]:
        """Return the busy share and the mean seconds in the queue, after one step."""
        self._starting.append(wanted)
        self.pods = min(wanted, self._starting.popleft() or self.pods)
        workers = self.pods * self.workers
        capacity = workers / self.service_s
        backlog = self.waiting + (rate - capacity) * STEP_S
        self.waiting = min(max(0.0, backlog), self.pods * self.queue)
        served = capacity if self.waiting else min(rate, capacity)
        return served * self.service_s / workers, self.waiting / capacity
