"""A routed request has what Django's handler notes of it."""

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from django_tandem.inprocess.routed_request import ROUTED_REQUEST, RoutedRequest, install


def test_a_second_installation_keeps_the_routed_request(monkeypatch):
    """Sentry wraps the function of Django that the first one has replaced, without its mark."""
    monkeypatch.setattr(BaseHandler, "load_middleware", BaseHandler.load_middleware)
    install(())
    installed = BaseHandler.load_middleware

    def load_middleware(handler, is_async=False):
        installed(handler, is_async=is_async)

    monkeypatch.setattr(BaseHandler, "load_middleware", load_middleware)
    install(())
    routed = RoutedRequest(may_hand_over=False)
    urlpatterns = (path("lots/<int:number>/", lambda request, number: HttpResponse()),)
    with override_settings(ROOT_URLCONF=urlpatterns, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        environ = {**RequestFactory().get("/lots/7/").environ, ROUTED_REQUEST: routed}
        WSGIHandler()(environ, lambda *_: None)

    assert routed.match.route == "lots/<int:number>/"
