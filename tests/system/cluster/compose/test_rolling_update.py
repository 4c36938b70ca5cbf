"""Each WSGI container is replaced while the other one serves: no request is lost."""

import asyncio
from collections import Counter

import aiohttp
import pytest

pytestmark = pytest.mark.timeout(600)

AT_ONCE = 8
# Of each kind, before the first replacement and after the last: the load is there throughout.
AROUND = 50


class Visitors:
    """Clients that each send one request after the other, and count the answers."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/api/lots/"
        self.answers: Counter[str] = Counter()
        self.is_over = False
        self._answered = asyncio.Condition()

    async def request(self, session: aiohttp.ClientSession) -> None:
        while not self.is_over:
            try:
                async with session.get(self.url) as answer:
                    await answer.read()
                    found = str(answer.status)
            except aiohttp.ClientError as error:
                found = repr(error)
            async with self._answered:
                self.answers[found] += 1
                self._answered.notify_all()

    async def wait_for_more(self) -> None:
        """Return once ``AROUND`` further requests have been answered."""
        until = self.answers.total() + AROUND
        async with self._answered:
            await self._answered.wait_for(lambda: self.answers.total() >= until)


def test_no_request_is_lost_while_each_container_is_replaced(compose) -> None:
    """By a new one that is healthy before the next is stopped, as in `docker compose up`."""
    before = {name: each["ID"] for name, each in compose.containers().items()}

    answers = asyncio.run(_replace_under_load(compose))

    after = {name: each["ID"] for name, each in compose.containers().items()}
    replaced = {name for name in before if before[name] != after[name]}
    assert replaced == {"wsgi-1", "wsgi-2"}
    assert set(answers) == {"200"}, answers


async def _replace_under_load(compose) -> Counter[str]:
    visitors = Visitors(compose.url)
    # A new connection for each request: none outlives the container that served it.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(visitors.request(session))
        await visitors.wait_for_more()
        for service in ("wsgi-1", "wsgi-2"):
            await asyncio.to_thread(compose.replace, service)
        await visitors.wait_for_more()
        visitors.is_over = True
    return visitors.answers
