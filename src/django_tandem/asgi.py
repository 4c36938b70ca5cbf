"""What runs inside the project that an ASGI server serves."""

from typing import cast

from django_tandem.handler.protocol import Application


def get_asgi_application() -> Application:
    """
    Return Django's ASGI application without thread switches, and with bounded, reused threads.

    Replaces ``django.core.asgi.get_asgi_application``, and sets Django up as it does.
    """
    # Servers and settings import this package too, and Django only when it is to serve.
    from django_tandem.handler.application import make_application  # noqa: PLC0415

    return cast(Application, make_application())
