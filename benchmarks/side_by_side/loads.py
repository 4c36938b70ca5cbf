"""The workloads, a line each."""

from urllib.parse import quote

from django_tandem.bench.workload import WebSockets, Workload

QUERY = "{lots{id title currentPrice status seller{name town} bestBid{amount bidder}}}"
DRF = "/api/lots/"
# 100 WebSockets in one group that hears ten broadcasts a second, as it was measured at first; a
# thousand hear as many messages in sum.
HUNDRED = WebSockets(path="/ws/broadcast/", count=100, every_s=0.1, measure="broadcast")
THOUSAND = WebSockets(path="/ws/broadcast/", count=1000, every_s=1.0, measure="broadcast")

SYNC = Workload(name="DRF list", path=DRF)
GRAPHQL = Workload(name="GraphQL query", path=f"/graphql/?query={quote(QUERY)}")
ASYNC_16 = Workload(name="async endpoint, 16 connections", path="/api/shipping/1/")
ASYNC_256 = Workload(
    name="async endpoint, 256 connections", path="/api/shipping/1/", connections=256
)
BROADCAST_100 = Workload(name="broadcast to 100", path=None, sockets=HUNDRED)
BROADCAST_1000 = Workload(name="broadcast to 1000", path=None, sockets=THOUSAND)
MIXED = Workload(name="DRF list and broadcast to 100", path=DRF, sockets=HUNDRED)
OVERLOAD = Workload(
    name="overload: DRF list, 256 connections, broadcast to 100",
    path=DRF,
    connections=256,
    sockets=HUNDRED,
)
# Stock Django keeps its threads and connections after a burst: that workload comes last.
LOADS = (SYNC, GRAPHQL, MIXED, BROADCAST_100, BROADCAST_1000, ASYNC_16, OVERLOAD, ASYNC_256)
# The workloads of the ratios.
QUICK_LOADS = (SYNC, MIXED, ASYNC_256)
