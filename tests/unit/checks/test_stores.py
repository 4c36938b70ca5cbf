"""What lives in the memory of one process is a finding where several processes serve."""

from checks.gathered import facts
from checks.messages import contents, ids

from builders import verdict
from django_tandem.checks.facts import LocalStore
from django_tandem.checks.stores import stores_are_shared
from django_tandem.model import Stack

STORE = LocalStore(
    name='The cache "default"',
    setting="CACHES",
    lost="sessions get lost",
    cure="Use another.",
    check="tandem.W011",
)


def test_a_store_in_one_of_several_processes_is_a_warning() -> None:
    """The number is that of the plan, over both stacks."""
    found = facts(verdict("/"), verdict("/a/", Stack.ASGI), local_stores=(STORE,))

    assert contents(stores_are_shared(found)) == [
        (
            "tandem.W011",
            "CACHES",
            'The cache "default" is kept in each process, and 4 of them serve the project: '
            "sessions get lost.",
            "Use another.",
        )
    ]


def test_one_process_shares_its_stores() -> None:
    """Waitress has threads, and Gunicorn may have one worker."""
    for wsgi in ({"WORKERS": 1}, {"SERVER": "waitress", "WORKERS": 4}):
        found = facts(verdict("/"), tandem={"WSGI": wsgi}, local_stores=(STORE,))
        assert ids(stores_are_shared(found)) == []
