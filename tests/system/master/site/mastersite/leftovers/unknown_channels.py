"""A Channels whose worker differs from every version that was read."""

from django_tandem import fingerprints

fingerprints.known()["channels.worker.Worker.handle"] = {}
