"""The environment in which an NGINX reads a large nginx.conf in little time."""

import os

# NGINX zeroes 1.2 MB for each map of its file, and glibc returns that to the kernel after each:
# most of the CPU time of `nginx -t` is page faults. An NGINX with another libc ignores these.
KEEPING_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(16 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**2),
}


def nginx_environment() -> dict[str, str]:
    """Return this process's environment for an NGINX that checks a file or evaluates requests."""
    return KEEPING_MEMORY | dict(os.environ)
