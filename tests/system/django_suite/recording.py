"""The outcome of each test, by its id, as the suite's own runner reports it."""

import unittest
from typing import Any

OUTCOMES = ("passed", "failed", "errors", "skipped")


def recording() -> dict[str, set[str]]:
    """Let every run from now on record its outcomes, and return the sets that they go to."""
    outcomes: dict[str, set[str]] = {outcome: set() for outcome in OUTCOMES}
    stock = unittest.TextTestRunner.resultclass

    class Recording(stock):  # type: ignore[valid-type,misc]
        def addSuccess(self, test: Any) -> None:
            super().addSuccess(test)
            outcomes["passed"].add(test.id())

        def addFailure(self, test: Any, err: Any) -> None:
            super().addFailure(test, err)
            outcomes["failed"].add(test.id())

        def addError(self, test: Any, err: Any) -> None:
            super().addError(test, err)
            outcomes["errors"].add(test.id())

        def addSkip(self, test: Any, reason: str) -> None:
            super().addSkip(test, reason)
            outcomes["skipped"].add(test.id())

        def addExpectedFailure(self, test: Any, err: Any) -> None:
            super().addExpectedFailure(test, err)
            outcomes["passed"].add(test.id())

        def addUnexpectedSuccess(self, test: Any) -> None:
            super().addUnexpectedSuccess(test)
            outcomes["failed"].add(test.id())

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
            super().addSubTest(test, subtest, err)
            if err is not None:
                failed = issubclass(err[0], test.failureException)
                outcomes["failed" if failed else "errors"].add(test.id())

    unittest.TextTestRunner.resultclass = Recording
    return outcomes
