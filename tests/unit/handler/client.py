"""Sends requests to an application in the running loop, and records its messages."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class Client:
    """One request: the messages it gets, and the moment at which its client disconnects."""

    sent: list = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    body: list = field(default_factory=lambda: [b""])

    async def receive(self):
        if self.body:
            chunk = self.body.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self.body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if message["type"] == "http.response.start":
            self.started.set()

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def text(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:]).decode()


async def send_request(application, path="/", method="GET", headers=(), client=None, *, query=b""):
    """Send one request, and return its client when the application is done with it."""
    client = client or Client()
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"host", b"testserver"), *headers],
    }
    await application(scope, client.receive, client.send)
    return client


def request_once(application, path="/", **request):
    """Send one request in a new event loop, and return its client."""
    return run(send_request(application, path, **request))


def run(coroutine):
    """Run the coroutine in a new event loop, with a timeout."""
    return asyncio.run(asyncio.wait_for(coroutine, 30))


class CountingLoop(asyncio.SelectorEventLoop):
    """A loop that counts how often another thread wakes it."""

    switches = 0

    def call_soon_threadsafe(self, *args, **more):
        self.switches += 1
        return super().call_soon_threadsafe(*args, **more)


def thread_switches(application, path="/", **request):
    """Return the thread switches of a request to the warm application."""

    async def counted():
        await send_request(application, path, **request)
        before = asyncio.get_running_loop().switches
        await send_request(application, path, **request)
        return asyncio.get_running_loop().switches - before

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        return runner.run(counted())


async def until(condition, seconds=10):
    """Wait until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
