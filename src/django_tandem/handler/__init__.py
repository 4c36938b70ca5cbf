"""Django's ASGI handler without thread switches, on a bounded pool of threads that are kept."""
