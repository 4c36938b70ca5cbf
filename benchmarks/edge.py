"""What the edge costs: the DRF list through it, and from the same Gunicorn's own socket."""

import asyncio
import statistics

from example import copied, served
from load import Load, drive
from results import Ratio, finish, run, say

ROUNDS = 7
SECONDS = 4.0
CONNECTIONS = 16
PATH = "/api/lots/"


async def measure(url: str, socket: str) -> list[tuple[Load, Load]]:
    """Alternate the two, after a round that only warms both."""
    rounds = []
    for number in range(ROUNDS + 1):
        alone = await drive(
            f"http://localhost{PATH}", connections=CONNECTIONS, seconds=SECONDS, socket=socket
        )
        edge = await drive(f"{url}{PATH}", connections=CONNECTIONS, seconds=SECONDS)
        say(f"round {number}: alone {alone.per_second:.0f}/s, edge {edge.per_second:.0f}/s")
        if alone.failed or edge.failed:
            raise RuntimeError(f"requests failed: {alone.failed} alone, {edge.failed} at the edge")
        if number:
            rounds.append((alone, edge))
    return rounds


def main() -> int:
    """Print edge over alone, round by round the median."""
    with (
        copied() as directory,
        served(directory, '{"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}}') as url,
    ):
        rounds = asyncio.run(measure(url, str(directory / ".tandem" / "wsgi.sock")))
    ratios = [edge.per_second / alone.per_second for alone, edge in rounds]
    return finish(
        "bench-edge",
        {"edge / gunicorn alone": Ratio(value=statistics.median(ratios), at_least=0.95)},
        packages=("django", "gunicorn", "djangorestframework"),
        rounds=[round(ratio, 3) for ratio in ratios],
    )


if __name__ == "__main__":
    run(main)
