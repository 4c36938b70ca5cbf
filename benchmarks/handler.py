"""What our ASGI handler gains over Django's: alternated rounds of one project on both."""

from contextlib import ExitStack
from functools import partial

from applications import Variant, fill, in_process, served
from connections import Seen, most
from database import database
from results import Ratio, finish, run, say
from rounds import Rates, Wrk, alternate, ratio, show

ROUNDS = 25
SECONDS = 1
CONNECTIONS = 16
# For the views that query the database: one worker would leave a CPU to PostgreSQL, which few
# hosts do, and hide what it costs to start a connection for each request.
WORKERS = 2
CONCURRENT = 200
THREADS = 8
PACKAGES = ("django", "asgiref", "uvicorn", "uvloop", "djangorestframework", "psycopg")
STOCK, POOL, OURS = "stock", "stock with a pool", "ours"


def measure_in_process() -> Rates:
    """Request the async view with no server in between."""
    with ExitStack() as stack:
        send = {
            name: stack.enter_context(in_process(Variant(name=name, handler=name)))
            for name in (STOCK, OURS)
        }
        return alternate({name: partial(each, SECONDS) for name, each in send.items()}, ROUNDS)


def measure_served(variants: tuple[Variant, ...], path: str, wrk: Wrk, workers: int = 1) -> Rates:
    """Request a path, each variant under a Uvicorn."""
    with ExitStack() as stack:
        urls = {each.name: stack.enter_context(served(each, workers=workers)) for each in variants}
        send = {name: partial(wrk.load, f"{url}{path}") for name, url in urls.items()}
        return alternate(send, ROUNDS)


def measure_connections(postgres: str) -> Seen:
    """Request a slow query so often at once; stock is printed, and has no bound."""
    found = {}
    for name in (STOCK, OURS):
        variant = Variant(name=f"{name}, many", handler=name, postgres=postgres, threads=THREADS)
        seen = found[name] = most(variant, concurrent=CONCURRENT, seconds=SECONDS)
        say(
            f"{CONCURRENT} at once, {name}: at most {seen.connections} connections, "
            f"{seen.load.answered} requests answered, {seen.load.failed} lost"
        )
    return found[OURS]


def main() -> int:
    """Print ours over stock."""
    wrk = Wrk(connections=CONNECTIONS, seconds=SECONDS)
    both = tuple(Variant(name=name, handler=name) for name in (STOCK, OURS))
    rates = {"in-process": measure_in_process(), "Uvicorn": measure_served(both, "/hello/", wrk)}
    with database() as directory:
        fill(directory)
        variants = (
            Variant(name=STOCK, handler=STOCK, postgres=directory),
            Variant(name=POOL, handler=STOCK, postgres=directory, pool=True),
            Variant(name=OURS, handler=OURS, postgres=directory),
        )
        rates["DRF list"] = measure_served(variants, "/books/", wrk, workers=WORKERS)
        seen = measure_connections(directory)
    for title, each in rates.items():
        show(title, each)
    say(f"wrk took at most {wrk.busiest:.0%} of one CPU")
    return finish("bench-handler", ratios(rates, seen), packages=PACKAGES, rounds=rates)


def ratios(rates: dict[str, Rates], seen: Seen) -> dict[str, Ratio]:
    """Return what was measured with the bounds that it must reach."""
    direct, served, listed = rates["in-process"], rates["Uvicorn"], rates["DRF list"]
    return {
        "async view in-process, ours / stock": Ratio(value=ratio(direct, OURS, STOCK), at_least=8),
        "async view on Uvicorn, ours / stock": Ratio(value=ratio(served, OURS, STOCK), at_least=4),
        "DRF list, ours / stock with CONN_MAX_AGE": Ratio(
            value=ratio(listed, OURS, STOCK), at_least=3.5
        ),
        "DRF list, ours / stock with a psycopg pool": Ratio(
            value=ratio(listed, OURS, POOL), at_least=1.8
        ),
        f"database connections of {CONCURRENT} sync requests at once": Ratio(
            value=seen.connections, at_most=THREADS
        ),
        f"requests lost of {CONCURRENT} at once": Ratio(value=seen.load.failed, at_most=0),
    }


if __name__ == "__main__":
    run(main)
