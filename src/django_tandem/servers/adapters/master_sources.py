"""What the shared master overrides of Gunicorn and uvicorn-worker, beyond what they document."""

from django_tandem import fingerprints

SOURCES = (
    *(
        f"gunicorn.arbiter.Arbiter.{name}"
        for name in ("__init__", "setup", "start", "run", "stop", "spawn_worker", "reap_workers")
    ),
    "gunicorn.workers.base.Worker.init_process",
    "uvicorn_worker._workers.UvicornWorker",
)


def are_known() -> bool:
    """Return whether the installed versions were read; log one warning if not."""
    return fingerprints.are_known(
        SOURCES, otherwise="Gunicorn and Uvicorn run as separate programs."
    )
