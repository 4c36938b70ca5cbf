"""Django's ASGI handler without thread hops, and with threads that are bounded and kept."""
