"""Asks for one path without a pause, to see when what a fault hit serves again."""

import http.client
import threading
import time
from dataclasses import dataclass, field

PAUSE_S = 0.02
# Late is not down: on a loaded machine a healthy server may be slow.
TIMEOUT_S = 5


@dataclass
class Prober:
    """In its own thread until the end of the block, over a new connection each time."""

    port: int
    path: str
    pause_s: float = PAUSE_S
    last_failure: float = 0.0
    last_success: float = 0.0
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Prober":
        self._thread = threading.Thread(target=self._probe, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def recovery_s(self, since: float) -> float:
        """Return the seconds from ``since`` to the end of the last question that failed."""
        return max(0.0, self.last_failure - since)

    def is_well(self, since: float, calm_s: float) -> bool:
        """Whether it still answered ``calm_s`` after ``since``, and after the last failure."""
        # Not merely that none failed: the one that is waited for may yet.
        return self.last_success - max(since, self.last_failure) > calm_s

    def _probe(self) -> None:
        while not self._is_over.wait(self.pause_s):
            if self._answers():
                self.last_success = time.monotonic()
            else:
                self.last_failure = time.monotonic()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", self.path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
