"""What a request leaves on its thread stays there until the request ends: a transaction first."""

import asyncio
import gc
import threading
import time

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connection, connections, models, transaction
from django.db.models import F, Func, Value
from django.http import HttpResponse
from django.urls import path

from django_tandem.handler import thread_lease, thread_pool
from django_tandem.handler.switching import ParallelConsumers
from handler.client import Client, run, send_request, until

LOCAL = threading.local()
SLOW_S = 0.03


class Entry(models.Model):  # noqa: DJ008
    """A line of an account."""

    amount = models.IntegerField()

    class Meta:
        app_label = "handler"


async def moves_money(request):
    """Reads, awaits something else, and moves an amount in one transaction of several calls."""
    await Entry.objects.acount()
    await asyncio.sleep(2 * SLOW_S)
    block = transaction.atomic()

    def debit():
        block.__enter__()
        LOCAL.request = request
        Entry.objects.create(amount=-1)

    def credit():
        found = connection.in_atomic_block and vars(LOCAL).pop("request", None) is request
        Entry.objects.create(amount=1)
        block.__exit__(None, None, None)
        return found

    await sync_to_async(debit)()
    await asyncio.sleep(SLOW_S)
    return HttpResponse(str(await sync_to_async(credit)()))


def sync_view(request):
    return HttpResponse(str(getattr(LOCAL, "request", None) is None))


async def locks(request):
    """Takes a lock of the session by a queryset that only reads."""
    lock = Entry.objects.annotate(held=Func(Value(1), function="ABS"))
    await (lock if "annotated" in request.GET else Entry.objects).afirst()
    await asyncio.sleep(SLOW_S)
    return HttpResponse(str(await sync_to_async(threading.get_ident)()))


urlpatterns = [path("money/", moves_money), path("sync/", sync_view), path("locks/", locks)]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Have a database with the table of the accounts."""
    given = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "database",
        "CONN_MAX_AGE": 60,
    }
    monkeypatch.setattr(connections, "settings", connections.configure_settings({"default": given}))
    forget()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE handler_entry (id integer PRIMARY KEY, amount integer)")
    yield
    forget()


def forget():
    """Have this thread connect anew, by the settings of then."""
    connections.close_all()
    for alias in list(connections):
        if hasattr(connections._connections, alias):
            del connections[alias]


@pytest.fixture(params=["slow to wake", "slow to close"])
def slow_thread(request, monkeypatch):
    """Have the pool's threads take their time, as on a busy machine or over a slow network."""
    if request.param == "slow to close":
        drop = thread_pool.drop_open_transactions
        monkeypatch.setattr(
            thread_pool, "drop_open_transactions", lambda: (time.sleep(SLOW_S), drop())
        )
        return

    class SlowQueue(thread_lease.SimpleQueue):
        def get(self, *args, **kwargs):
            found = super().get(*args, **kwargs)
            time.sleep(SLOW_S)
            return found

    monkeypatch.setattr(thread_lease, "SimpleQueue", SlowQueue)


@pytest.mark.parametrize("wait_s", [0.05, 0.07, 0.09, 0.11])
def test_a_transaction_survives_while_others_wait_for_its_thread(
    serve, threads, table, slow_thread, wait_s
):
    """Whenever they begin to wait: it is committed whole, and finds what it left."""
    application = serve(__name__)
    threads(1)

    async def served():
        money = asyncio.create_task(send_request(application, "/money/"))
        await asyncio.sleep(wait_s)
        others = [asyncio.create_task(send_request(application, "/sync/")) for _ in range(2)]
        return (await money).text, [(await other).text for other in others]

    text, others = run(served())

    assert (text, others) == ("True", ["True", "True"])
    assert sorted(Entry.objects.values_list("amount", flat=True)) == [-1, 1]


@pytest.mark.parametrize(("query", "is_kept"), [(b"annotated", True), (b"", False)])
def test_a_query_that_calls_a_function_holds_its_thread(serve, threads, table, query, is_kept):
    """It may be pg_advisory_lock(), which a session holds; a plain read leaves nothing."""
    assert kept_while_idle(serve(__name__), threads(1), "/locks/", query) == [is_kept]


def kept_while_idle(application, pool, target="/", query=b""):
    """Return whether each lease keeps its thread while the request awaits something else."""

    async def served():
        sent = asyncio.create_task(send_request(application, target, query=query))
        await until(lambda: any(lease.is_idle for lease in pool.leases))
        kept = [lease.has_leftovers for lease in pool.leases]
        await sent
        return kept

    return run(served())


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: Entry.objects.filter(amount=Func(Value(1), function="ABS")),
        lambda: Entry.objects.filter(amount__gt=F("id")),
        lambda: Entry.objects.extra(where=["ABS(1)"]),
        lambda: Entry.objects.order_by(Func(F("id"), function="ABS")),
        lambda: Entry.objects.filter(id=1).union(Entry.objects.filter(id=2)),
    ],
)
def test_a_read_that_may_call_a_function_is_not_plain(serve, threads, table, queryset):
    """Wherever in the query it stands."""

    async def reads(request):
        await queryset().aexists()
        await asyncio.sleep(SLOW_S)
        return HttpResponse()

    application = serve(type("Urls", (), {"urlpatterns": [path("", reads)]}))

    assert kept_while_idle(application, threads(1)) == [True]


def test_a_read_without_autocommit_holds_its_thread(serve, threads, table, monkeypatch):
    """It has begun a transaction."""
    monkeypatch.setitem(connections.settings["default"], "AUTOCOMMIT", False)

    assert kept_while_idle(serve(__name__), threads(1), "/locks/") == [True]


def use(request):
    connection.cursor().close()
    return HttpResponse()


@pytest.mark.parametrize("handler", ["ours", "stock"])
def test_in_a_foreign_thread_sensitive_context_connections_are_closed_as_by_django(
    serve, table, monkeypatch, handler
):
    """Its thread does not belong to the pool, so nothing else closes them there."""
    ours = serve(type("Urls", (), {"urlpatterns": [path("", use)]}))
    application = ours if handler == "ours" else ASGIHandler()
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)

    async def served():
        async with ThreadSensitiveContext():
            client = await send_request(application)
            return client.status, await sync_to_async(lambda: connection.connection)()

    assert run(served()) == (200, None)


def test_a_consumer_keeps_its_thread_while_a_transaction_is_open(serve, threads, table):
    """Its calls are one transaction, and other consumers run beside it."""
    threads(1)
    found = []

    async def consumer(scope, receive, send):
        block = transaction.atomic()
        await sync_to_async(block.__enter__)()
        await Entry.objects.acreate(amount=-1)
        await asyncio.sleep(2 * SLOW_S)
        found.append(await sync_to_async(lambda: connection.in_atomic_block)())
        await Entry.objects.acreate(amount=1)
        await sync_to_async(block.__exit__)(None, None, None)

    async def other(scope, receive, send):
        await asyncio.sleep(SLOW_S)
        found.append(await sync_to_async(lambda: connection.in_atomic_block)())

    async def served():
        consumers = (ParallelConsumers(each) for each in (consumer, other))
        await asyncio.gather(*(each({"type": "websocket"}, None, None) for each in consumers))

    run(served())

    assert sorted(found) == [False, True]
    assert sorted(Entry.objects.values_list("amount", flat=True)) == [-1, 1]


def test_a_consumer_that_ends_leaves_no_transaction_open(serve, threads, table, caplog):
    """It is rolled back, with a warning."""
    pool = threads(1)

    async def consumer(scope, receive, send):
        await sync_to_async(transaction.atomic().__enter__)()
        await Entry.objects.acreate(amount=-1)

    run(ParallelConsumers(consumer)({"type": "websocket"}, None, None))
    run(until(lambda: len(pool.free) == 1))

    assert Entry.objects.count() == 0
    assert caplog.messages == ["Rolled back a transaction on 'default' that was left open."]


@pytest.mark.parametrize("is_abandoned", [False, True])
def test_a_task_that_outlives_its_request_iterates_over_one_cursor(
    serve, threads, table, monkeypatch, is_abandoned
):
    """The connection stays open between two chunks, and the thread returns after the last."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    forget()
    Entry.objects.bulk_create(Entry(amount=each) for each in range(30))
    tasks, seen = [], []

    async def iterates():
        await asyncio.sleep(SLOW_S)
        async for entry in Entry.objects.order_by("id").aiterator(chunk_size=5):
            seen.append(entry.amount)
            await asyncio.sleep(0)
            if is_abandoned and len(seen) == 7:
                return

    async def view(request):
        tasks.append(asyncio.create_task(iterates()))
        return HttpResponse()

    application = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))
    pool = threads(1)

    async def served():
        await send_request(application)
        await tasks[0]
        await until(lambda: pool.free and not pool.lingering)

    run(served())

    assert seen == list(range(7 if is_abandoned else 30))
    assert not pool.leases


def leave(later):
    """Return a view that leaves the coroutine of ``later`` behind in a task, and the tasks."""
    tasks = []

    async def view(request):
        tasks.append(asyncio.create_task(later()))
        return HttpResponse()

    return type("Urls", (), {"urlpatterns": [path("", view)]}), tasks


def atomic():
    """Return what begins and what commits a transaction, as most projects do it."""
    block = transaction.atomic()
    return block.__enter__, lambda: block.__exit__(None, None, None)


def without_autocommit():
    """Return what begins and what commits a transaction by hand."""
    return lambda: transaction.set_autocommit(False), lambda: transaction.set_autocommit(True)


@pytest.mark.parametrize("transact", [atomic, without_autocommit])
@pytest.mark.parametrize("handler", ["ours", "stock"])
def test_a_transaction_of_a_task_that_outlives_its_request_is_whole(
    serve, threads, table, handler, transact
):
    """It is open between two calls, as with Django's handler, while other requests are served."""
    is_answered = asyncio.Event()

    async def later():
        await is_answered.wait()
        begin, commit = map(sync_to_async, transact())
        await begin()
        await Entry.objects.acreate(amount=-1)
        await asyncio.sleep(2 * SLOW_S)
        is_open = await sync_to_async(lambda: not connection.get_autocommit())()
        await Entry.objects.acreate(amount=1)
        await commit()
        return is_open

    urlconf, tasks = leave(later)
    urlconf.urlpatterns.append(path("sync/", sync_view))
    ours = serve(urlconf)
    application = ours if handler == "ours" else ASGIHandler()
    pool = threads(1)

    async def served():
        await send_request(application)
        is_answered.set()
        await asyncio.sleep(SLOW_S)
        other = await send_request(application, "/sync/")
        return other.status, await tasks.pop()

    assert run(served()) == (200, True)
    assert sorted(Entry.objects.values_list("amount", flat=True)) == [-1, 1]
    run(until(lambda: len(pool.free) == pool.size and not pool.lingering))


def test_the_end_of_the_request_leaves_the_transaction_of_its_task_open(serve, threads, table):
    """The handler waits for a call of the task, and its own one runs on the same thread."""
    is_read, may_end = asyncio.Event(), threading.Event()
    is_waiting = asyncio.Event()

    class SlowClient(Client):
        async def send(self, message):
            await super().send(message)
            await is_read.wait()

    async def later():
        await until(lambda: pool.free)
        begin, commit = map(sync_to_async, atomic())
        await begin()
        waits = asyncio.ensure_future(sync_to_async(may_end.wait)(10))
        await asyncio.sleep(0)
        is_waiting.set()
        await waits
        await asyncio.sleep(SLOW_S)
        is_open = await sync_to_async(lambda: connection.in_atomic_block)()
        await commit()
        return is_open

    async def view(request):
        await Entry.objects.acount()
        task.append(asyncio.create_task(later()))
        return HttpResponse()

    task = []
    application = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))
    pool = threads(1)

    async def served():
        sent = asyncio.create_task(send_request(application, client=SlowClient()))
        await is_waiting.wait()
        is_read.set()
        await asyncio.sleep(SLOW_S)
        may_end.set()
        await sent
        return await task.pop()

    assert run(served()) is True


@pytest.mark.parametrize("handler", ["ours", "stock"])
def test_a_transaction_that_the_request_left_open_ends_with_it(serve, threads, table, handler):
    """A task that outlives the request finds a connection without it, as with Django's handler."""
    is_begun, is_answered = asyncio.Event(), asyncio.Event()

    async def later():
        await sync_to_async(transaction.atomic().__enter__)()
        await Entry.objects.acreate(amount=-1)
        is_begun.set()
        await is_answered.wait()
        return await sync_to_async(lambda: connection.in_atomic_block)()

    async def view(request):
        task.append(asyncio.create_task(later()))
        await is_begun.wait()
        return HttpResponse()

    task = []
    ours = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))
    application = ours if handler == "ours" else ASGIHandler()
    threads(1)

    async def served():
        await send_request(application)
        is_answered.set()
        return await task.pop()

    assert run(served()) is False
    gc.collect()
    assert Entry.objects.count() == 0


@pytest.mark.parametrize("handler", ["ours", "stock"])
def test_a_transaction_that_a_task_never_ends_is_rolled_back(
    serve, threads, table, caplog, handler
):
    """Once the task is done, nobody can commit it, and its thread returns to the pool."""

    is_answered = asyncio.Event()

    async def later():
        # With Django's own handler, the end of the request changes the thread of the task's calls.
        await is_answered.wait()
        await sync_to_async(transaction.atomic().__enter__)()
        await Entry.objects.acreate(amount=-1)

    urlconf, tasks = leave(later)
    ours = serve(urlconf)
    application = ours if handler == "ours" else ASGIHandler()
    pool = threads(1)

    async def served():
        await send_request(application)
        is_answered.set()
        await tasks.pop()
        await until(lambda: len(pool.free) == pool.size and not pool.lingering)

    run(served())
    gc.collect()

    assert Entry.objects.count() == 0
    warning = "Rolled back a transaction on 'default' that was left open."
    assert caplog.messages == ([warning] if handler == "ours" else [])
