"""A plugin of pytest that gives the consumers of Channels' suite mailboxes, if RUN is "ours"."""

import os

import pytest
from channels.testing import application

from django_tandem.handler.switching import ParallelConsumers
from django_tandem.inprocess import consumers

_run = consumers.ConsumerMailbox.run
_used = []


def pytest_sessionstart():
    if os.environ["RUN"] != "ours":
        return
    consumers.install()
    consumers.ConsumerMailbox.run = _counted
    communicator = application.ApplicationCommunicator
    init = communicator.__init__
    # As in a served process, with our threads.
    communicator.__init__ = lambda self, app, scope: init(self, ParallelConsumers(app), scope)


def _counted(mailbox, *arguments):
    _used.append(mailbox)
    return _run(mailbox, *arguments)


def pytest_sessionfinish(session):
    if os.environ["RUN"] == "ours" and not _used:
        # The suite would have tested Channels alone.
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"{len(_used)} consumers had a mailbox")
