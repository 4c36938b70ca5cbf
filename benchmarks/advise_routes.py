"""
The forty routes of advise_project: what each is built to do, its load, and what is right for it.

A verdict here follows from what the view does and from its load, by these rules alone:

- A synchronous view that waits holds a worker. If that is a quarter of a worker or more, of eight,
  an async view would free it: move to ASGI. One that holds a hundredth frees nothing: stay.
- A view that computes takes the same CPU on either stack, and on ASGI it stops all other requests
  of its process: it belongs on WSGI, also where its request waits for threads that compute for it.
- An async view that awaits is right. One that blocks the event loop for some 100 ms, by computing
  or by a library that waits without awaiting, does so to every other request of the process.
- Three requests are no evidence, and neither are requests of which 19 in 20 fail.

The project never imports this, and is served from a directory that does not have it.
"""

from dataclasses import dataclass

TO_ASGI, TO_WSGI = "move to ASGI", "move to WSGI"
STAY, RIGHT, UNKNOWN = "stay on WSGI", "already right", "not enough data"

WSGI, ASGI = "wsgi", "asgi"
WSGI_WORKERS, ASGI_WORKERS = 8, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRoute:
    """
    A route, its load, what it does, and the verdicts that are right.

    The load is ``rate`` requests a second at random, ``burst`` at once each ``every_s`` seconds, or
    ``total`` in all. A request takes ``waits_ms`` and ``computes_ms``, of all of its threads.
    ``moved`` is its name in the setting MOVED, of those that are moved.
    """

    route: str
    stack: str
    right: tuple[str, ...]
    why: str
    path: str = ""
    method: str = "GET"
    status: int = 200
    rate: float = 0.0
    burst: int = 0
    every_s: float = 20.0
    total: int = 0
    waits_ms: float = 0.0
    computes_ms: float = 0.0
    moved: str = ""

    @property
    def url(self) -> str:
        return self.path or self.route

    @property
    def seconds(self) -> float:
        """How long a request takes that no other one slows down."""
        return (self.waits_ms + self.computes_ms) / 1000

    @property
    def waiting(self) -> float:
        """The share of a request in which it computes nothing."""
        return self.waits_ms / (self.waits_ms + self.computes_ms)


ROUTES = (
    # Views on WSGI that wait, and hold a quarter of a worker to a half
    KnownRoute(
        route="/offers/", stack=WSGI, right=(TO_ASGI,), rate=1.6, waits_ms=250, computes_ms=4,
        moved="offers", why="It waits for an HTTP service.",
    ),
    KnownRoute(
        route="/api/quote/", stack=WSGI, right=(TO_ASGI,), rate=0.9, waits_ms=400, computes_ms=4,
        moved="quote", why="A view of DRF that waits for an HTTP service.",
    ),
    KnownRoute(
        route="/api/rates/<str:currency>/", path="/api/rates/eur/", stack=WSGI, right=(TO_ASGI,),
        rate=2.0, waits_ms=150, computes_ms=4,
        moved="rates", why="A viewset of DRF that waits for an HTTP service.",
    ),
    KnownRoute(
        route="/dashboard/", stack=WSGI, right=(TO_ASGI,), rate=1.2, waits_ms=240, computes_ms=9,
        moved="dashboard", why="A class that waits for three services, one after the other.",
    ),
    KnownRoute(
        route="/graphql/", path="/graphql/?query=%7Bprice%7D", stack=WSGI, right=(TO_ASGI,),
        rate=1.5, waits_ms=200, computes_ms=6,
        moved="parcels", why="A resolver of Graphene that waits for an HTTP service.",
    ),
    KnownRoute(
        route="/feed/", stack=WSGI, right=(TO_ASGI,), rate=0.8, waits_ms=360, computes_ms=20,
        moved="feed", why="A stream, each part of which waits for an HTTP service.",
    ),
    KnownRoute(
        # The lock is held for 500 of 650 ms: three requests in four wait for half of that.
        route="/balance/", stack=WSGI, right=(TO_ASGI,), rate=1.4, waits_ms=210, computes_ms=2,
        moved="balance", why="It waits for the lock of a database, which a thread can do.",
    ),
    KnownRoute(
        route="/notify/", stack=WSGI, right=(TO_ASGI,), burst=10, waits_ms=500, computes_ms=4,
        moved="notify", why="It waits, in bursts that hold all workers at once.",
    ),
    KnownRoute(
        route="/checkout/", method="POST", stack=WSGI, right=(TO_ASGI,), rate=1.0, waits_ms=300,
        computes_ms=12, why="It computes a little, and then waits for 25 times as long.",
    ),
    KnownRoute(
        route="/reply/", stack=WSGI, right=(TO_ASGI,), rate=0.5, waits_ms=800, computes_ms=4,
        why="It waits for long.",
    ),
    KnownRoute(
        route="/search/", stack=WSGI, right=(TO_ASGI,), rate=10.0, waits_ms=30, computes_ms=4,
        why="It waits for 30 ms only, ten times a second.",
    ),
    KnownRoute(
        route="/stocktake/", stack=WSGI, right=(TO_ASGI,), rate=2.4, waits_ms=120, computes_ms=2,
        why="It waits for a socket, in a module that the view imports.",
    ),
    KnownRoute(
        route="/parcel/", stack=WSGI, right=(TO_ASGI,), rate=1.0, waits_ms=300, computes_ms=4,
        why="An async view that a mark keeps on WSGI, where it holds a worker as it waits.",
    ),
    # Views on WSGI that compute, or whose wait has no weight
    KnownRoute(
        route="/report/", stack=WSGI, right=(STAY,), rate=0.8, waits_ms=0, computes_ms=82,
        why="It computes; the lines that it writes to a log and to a file take no time.",
    ),
    KnownRoute(
        route="/thumbnails/<int:pk>/", path="/thumbnails/7/", stack=WSGI, right=(STAY,), rate=0.8,
        waits_ms=0, computes_ms=62, why="It computes in C.",
    ),
    KnownRoute(
        route="/export/", stack=WSGI, right=(STAY,), rate=0.5, waits_ms=0, computes_ms=122,
        why="A stream that computes each of its rows, after its headers are sent.",
    ),
    KnownRoute(
        route="/forecast/", stack=WSGI, right=(STAY,), rate=0.5, waits_ms=0, computes_ms=92,
        why="Three threads compute for it, and its own thread waits for them.",
    ),
    KnownRoute(
        route="/index/", stack=WSGI, right=(STAY,), rate=0.5, waits_ms=0, computes_ms=82,
        why="It computes, and half of its time is a wait for the GIL.",
    ),
    KnownRoute(
        route="/", stack=WSGI, right=(STAY,), rate=5.0, waits_ms=0, computes_ms=2,
        why="A short page that waits for nothing.",
    ),
    KnownRoute(
        route="/prices/", stack=WSGI, right=(STAY,), rate=0.6, waits_ms=30, computes_ms=64,
        why="It waits for a third of its time, and on the event loop the rest would block.",
    ),
    KnownRoute(
        route="/receipts/", stack=WSGI, right=(STAY,), burst=6, waits_ms=0, computes_ms=52,
        why="It computes, in bursts.",
    ),
    KnownRoute(
        route="/api/books/", stack=WSGI, right=(STAY,), rate=1.2, waits_ms=0, computes_ms=43,
        why="A list of DRF whose serializer computes.",
    ),
    KnownRoute(
        route="/api/orders/", stack=WSGI, right=(STAY,), rate=2.0, waits_ms=0, computes_ms=8,
        why="A list of DRF with a query for each row, of a file on this machine.",
    ),
    KnownRoute(
        route="/graphql/statistics/", path="/graphql/statistics/?query=%7Bvisits%7D", stack=WSGI,
        right=(STAY,), rate=0.8, waits_ms=0, computes_ms=54, why="A resolver of Graphene computes.",
    ),
    KnownRoute(
        route="/greeting/", stack=WSGI, right=(STAY,), rate=0.5, waits_ms=15, computes_ms=3,
        why="It waits, and holds a hundredth of a worker.",
    ),
    KnownRoute(
        route="/coupons/", status=500, stack=WSGI, right=(STAY, UNKNOWN), rate=1.0, waits_ms=100,
        computes_ms=5, why="19 of 20 requests fail: what it does when it works is not measured.",
    ),
    # Async views that wait, on ASGI
    KnownRoute(
        route="/stock/", stack=ASGI, right=(RIGHT,), rate=2.0, waits_ms=300, computes_ms=4,
        why="It awaits an HTTP service.",
    ),
    KnownRoute(
        route="/quick/", stack=ASGI, right=(RIGHT,), rate=4.0, waits_ms=5, computes_ms=1,
        why="It awaits for 5 ms.",
    ),
    KnownRoute(
        route="/api/tracking/<int:pk>/", path="/api/tracking/3/", stack=ASGI, right=(RIGHT,),
        rate=1.5, waits_ms=200, computes_ms=4, why="An async view of DRF awaits an HTTP service.",
    ),
    KnownRoute(
        route="/customers/<int:pk>/", path="/customers/5/", stack=ASGI, right=(RIGHT,), rate=1.5,
        waits_ms=150, computes_ms=6,
        why="It awaits an HTTP service; its query is short, and in a thread.",
    ),
    KnownRoute(
        route="/graphql/live/", path="/graphql/live/?query=%7Bprice%7D", stack=ASGI,
        right=(RIGHT,), rate=1.0, waits_ms=180, computes_ms=6,
        why="A resolver of Strawberry awaits an HTTP service.",
    ),
    KnownRoute(
        route="/events/", stack=ASGI, right=(RIGHT,), rate=0.3, waits_ms=4000, computes_ms=4,
        why="An event stream of four seconds.",
    ),
    KnownRoute(
        route="/campaign/", stack=ASGI, right=(RIGHT,), burst=10, waits_ms=300, computes_ms=4,
        why="It awaits, in bursts.",
    ),
    # Views on ASGI that block
    KnownRoute(
        route="/invoice/", stack=ASGI, right=(TO_WSGI,), rate=0.6, waits_ms=120, computes_ms=4,
        moved="invoice", why="An async view with a synchronous client of HTTP.",
    ),
    KnownRoute(
        route="/retry/", stack=ASGI, right=(TO_WSGI,), rate=0.6, waits_ms=90, computes_ms=3,
        why="An async view that sleeps on the event loop, in a function of another module.",
    ),
    KnownRoute(
        route="/digest/", stack=ASGI, right=(TO_WSGI,), rate=0.6, waits_ms=0, computes_ms=101,
        moved="digest", why="An async view that computes.",
    ),
    KnownRoute(
        route="/api/valuation/", stack=ASGI, right=(TO_WSGI,), rate=0.6, waits_ms=0,
        computes_ms=83, why="An async view of DRF that computes its rows.",
    ),
    KnownRoute(
        route="/ranking/", stack=ASGI, right=(TO_WSGI,), rate=0.5, waits_ms=0, computes_ms=82,
        why="A synchronous view that computes, by a mark in a thread beside the event loop.",
    ),
    # Requests that are too few
    KnownRoute(
        route="/yearly/", stack=WSGI, right=(UNKNOWN,), total=3, waits_ms=800, computes_ms=4,
        why="Three requests on WSGI that wait.",
    ),
    KnownRoute(
        route="/archive/", stack=ASGI, right=(UNKNOWN,), total=3, waits_ms=100, computes_ms=1,
        why="Three requests on ASGI that block.",
    ),
)  # fmt: skip
