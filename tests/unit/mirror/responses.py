"""Builder of a response, with defaults."""

import json
from typing import Any

from django_tandem.mirror import MirroredResponse


def response(
    body: bytes | str = b"", *headers: tuple[str, str], **changes: Any
) -> MirroredResponse:
    content = body.encode() if isinstance(body, str) else body
    return MirroredResponse(**{"status": 200, "headers": headers, "body": content, **changes})


def html(body: str, *headers: tuple[str, str]) -> MirroredResponse:
    return response(body, ("Content-Type", "text/html; charset=utf-8"), *headers)


def as_json(value: Any, *headers: tuple[str, str]) -> MirroredResponse:
    return response(json.dumps(value), ("Content-Type", "application/json"), *headers)
