"""The threads: one for a request, a bounded number for all, and none that only idles."""

import asyncio
import threading

import pytest

from django_tandem.handler import limits
from django_tandem.handler.thread_lease import PoolExhausted
from handler import urls
from handler.asking import Client, answer, ask, run, until

URLS = "handler.urls"


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and let everything through after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    yield
    urls.GATE.set()


def test_the_sync_code_of_a_request_runs_on_one_thread(serve):
    """As often as an async view asks for it."""
    first, second, third, loop = answer(serve(URLS), "/several/").text.split()

    assert first == second == third != loop


def test_requests_reuse_threads(serve, threads):
    """One after another they need no more than come back while the next one asks."""
    application = serve(URLS)
    pool = threads(10)

    async def several():
        return {(await ask(application, "/sync/")).text for _ in range(50)}

    assert len(run(several())) < 5
    assert pool.size < 5


def test_event_loops_share_the_threads(serve, threads):
    """A thread belongs to the process, not to the loop that asked for it first."""
    application = serve(URLS)
    threads(1)

    assert len({answer(application, "/sync/").text for _ in range(3)}) == 1


def test_more_at_once_than_the_bound_wait_and_none_is_lost(serve, threads):
    """Sixty at once run on three threads."""
    application = serve(URLS)
    pool = threads(3)

    async def sixty():
        return await asyncio.gather(*(ask(application, "/pauses/") for _ in range(60)))

    clients = run(sixty())

    assert {client.status for client in clients} == {200}
    assert len({client.text for client in clients}) == 3
    run(until(lambda: len(pool.free) == 3))
    assert (pool.size, len(pool.queue)) == (3, 0)


def test_who_came_first_is_served_first(serve, threads):
    """The line is one: whoever waits goes in the order of asking."""
    application = serve(URLS)
    pool = threads(1)
    done = []

    async def noted(name, path):
        await ask(application, path)
        done.append(name)

    async def in_line():
        tasks = [asyncio.create_task(noted("gate", "/gate/"))]
        await until(lambda: urls.NOTED)
        for name in "abc":
            tasks.append(asyncio.create_task(noted(name, "/sync/")))
            await until(lambda: len(pool.queue) == len(tasks) - 1)
        urls.GATE.set()
        await asyncio.gather(*tasks)

    run(in_line())

    assert done == ["gate", "a", "b", "c"]


def test_beyond_the_line_a_request_is_refused_before_the_project_sees_it(
    serve, threads, monkeypatch, caplog
):
    """With 503, and when to ask again; the log has it once, and not for each."""
    monkeypatch.setattr(limits, "MAX_QUEUED", 2)
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        tasks = [asyncio.create_task(ask(application, "/gate/"))]
        await until(lambda: urls.NOTED)
        tasks += [asyncio.create_task(ask(application, "/gate/")) for _ in range(2)]
        await until(lambda: len(pool.queue) == 2)
        await ask(application, "/gate/")
        refused = await ask(application, "/gate/")
        free = await ask(application, "/async/")
        begun = len(urls.NOTED)
        urls.GATE.set()
        return refused, free, begun, await asyncio.gather(*tasks)

    refused, free, begun, rest = run(crowd())

    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert (free.status, begun) == (200, 1)
    assert caplog.messages == ["Rejected a request with 503: 2 wait for 1 threads."]
    assert [client.status for client in rest] == [200, 200, 200]


@pytest.mark.parametrize("middleware", [(), ("handler.test_switching.Own",)])
def test_who_waited_for_too_long_is_refused(serve, threads, monkeypatch, middleware):
    """No wait is without an end, also behind middleware of which nothing is known."""
    monkeypatch.setattr(limits, "MAX_WAIT_S", 0.1)
    application = serve(URLS, *middleware)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        late = await ask(application, "/sync/")
        urls.GATE.set()
        return late, await first

    late, first = run(crowd())

    assert (late.status, late.headers["retry-after"], first.status) == (503, "5", 200)
    assert not pool.queue


def test_a_request_that_awaits_takes_its_thread_along(serve, threads):
    """Others are not kept waiting by a slow view, and it finds its own thread again."""
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        slow = asyncio.create_task(ask(application, "/awaits/"))
        await until(lambda: any(lease.is_idle for lease in pool.leases))
        quick = await asyncio.gather(*(ask(application, "/sync/") for _ in range(3)))
        urls.GATE.set()
        return (await slow).text.split(), {client.text for client in quick}

    (before, after), others = run(crowd())

    assert before == after
    assert len(others) == 1
    assert before not in others
    run(until(lambda: len(pool.workers) == 1))
    assert pool.size == 1


def test_threads_that_left_do_not_make_the_pool_larger(serve, threads):
    """They come back while others wait, and end unless there is room for them."""
    application = serve(URLS)
    pool = threads(2)

    async def crowd():
        slow = [asyncio.create_task(ask(application, "/awaits/")) for _ in range(20)]
        await until(lambda: len(pool.workers) >= 20)
        busy = [asyncio.create_task(ask(application, "/pauses/")) for _ in range(60)]
        urls.GATE.set()
        return await asyncio.gather(*slow, *busy)

    assert {client.status for client in run(crowd())} == {200}
    run(until(lambda: len(pool.free) == len(pool.workers) == pool.size == 2))


def test_a_request_that_goes_away_leaves_the_line(serve, threads):
    """And what it wanted to run is not run."""
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        second = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: pool.queue)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        waiting = len(pool.queue)
        urls.GATE.set()
        await first
        return waiting, second.cancelled()

    assert run(crowd()) == (0, True)
    assert urls.NOTED == ["begun"]
    run(until(lambda: len(pool.free) == 1))


def test_an_error_is_answered_while_the_thread_is_still_at_work(serve, caplog):
    """A view may have given up what runs there; only the end of the request waits for it."""
    application = serve(URLS)

    async def served():
        client = Client()
        asking = asyncio.create_task(ask(application, "/gives-up/", client=client))
        await until(client.started.is_set)
        status = client.status
        urls.GATE.set()
        await asking
        return status

    assert run(served()) == 500


def test_a_task_that_outlives_its_request_finds_a_thread(serve):
    """A view may leave one behind, and Django runs its sync code too."""
    from asgiref.sync import sync_to_async
    from django.http import HttpResponse

    left = []

    async def view(request):
        async def later():
            await asyncio.sleep(0.05)
            return await sync_to_async(urls.here)()

        left.append(asyncio.create_task(later()))
        return HttpResponse(await sync_to_async(urls.here)())

    application = serve(type("Urls", (), {"urlpatterns": [_path(view)]}))

    async def both():
        client = await ask(application)
        return client.text, await left[0]

    first, later = run(both())

    assert first != str(threading.get_ident()) != later


def _path(view):
    from django.urls import path

    return path("", view)


def test_the_threads_end_with_the_pool(serve, threads):
    """A server that ends waits for none of them."""
    application = serve(URLS)
    pool = threads(2)
    answer(application, "/sync/")

    workers = [worker.thread for worker in pool.workers]
    pool.close()

    assert workers
    assert not any(thread.is_alive() for thread in workers)
    assert all(thread.daemon for thread in workers)


def test_busy_is_an_exception_of_the_projects_own_code_too():
    """A view that waits for a thread itself may catch it."""
    assert issubclass(PoolExhausted, Exception)
