"""The MIME types of files by suffix, for mime.types: not every NGINX comes with a table."""

import mimetypes

# Types that are not in Python's table, in some or in all versions from 3.11 on, or that it has by
# an old name.
CURRENT_TYPES = {
    ".7z": "application/x-7z-compressed",
    ".atom": "application/atom+xml",
    ".avif": "image/avif",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eot": "application/vnd.ms-fontobject",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".geojson": "application/geo+json",
    ".gz": "application/gzip",
    ".ico": "image/x-icon",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".jsonld": "application/ld+json",
    ".log": "text/plain",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rss": "application/rss+xml",
    ".rtf": "application/rtf",
    ".svgz": "image/svg+xml",
    ".ttf": "font/ttf",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}

# Text in these types is UTF-8, which the header names; JSON is UTF-8 by definition.
CHARSET_TYPES = (
    "text/calendar",
    "text/css",
    "text/csv",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "text/vtt",
    "text/xml",
)


def suffixes_by_type() -> list[tuple[str, list[str]]]:
    """Return each MIME type with its suffixes, without dots, both sorted."""
    # An instance without files has Python's table alone, and does not depend on the machine.
    known = mimetypes.MimeTypes().types_map[True] | CURRENT_TYPES
    by_type: dict[str, list[str]] = {}
    for suffix, mime_type in sorted(known.items()):
        by_type.setdefault(mime_type, []).append(suffix.removeprefix("."))
    return sorted(by_type.items())
