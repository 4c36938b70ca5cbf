"""The view and its hooks on a thread: what Django's _get_response does, from any hook on."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync, iscoroutinefunction

from django_tandem.handler.internals import template_hooks, view_hooks
from django_tandem.handler.layers import ViewHook


def sync_form(hook: Any) -> Callable[..., Any] | None:
    """Return what a thread calls in the place of an adapted ``hook``; None if that is awaited."""
    if isinstance(hook, ViewHook):
        return hook.hook
    if isinstance(hook, SyncToAsync):
        return hook.func
    return getattr(hook, "on_thread", None)


def run(handler: Any, request: Any, match: Any, at: int) -> Any:
    """Ask the view hooks from ``at`` on, then the view, and render what it answers."""
    view, arguments, named = match
    response = None
    for hook in view_hooks(handler)[at:]:
        call: Any = sync_form(hook)
        response = call(request, view, arguments, named)
        if response:
            break
    if response is None:
        try:
            response = handler.make_view_atomic(view)(request, *arguments, **named)
        except Exception as error:
            response = handler.process_exception_by_middleware(error, request)
            if response is None:
                raise
    return finish(handler, request, view, response)


def finish(handler: Any, request: Any, view: Any, response: Any) -> Any:
    """Check and render the response."""
    handler.check_response(response, view)
    if not is_rendered_late(response):
        return response
    for hook in template_hooks(handler):
        call = sync_form(hook) or async_to_sync(hook)
        response = call(request, response)
        name = f"{_class_name(hook)}.process_template_response"
        handler.check_response(response, hook, name=name)
    try:
        return _called(response.render)
    except Exception as error:
        response = handler.process_exception_by_middleware(error, request)
        if response is None:
            raise
        return response


def is_rendered_late(response: Any) -> bool:
    """Return whether the response is a template that waits for its middleware."""
    return hasattr(response, "render") and callable(response.render)


def _called(render: Callable[[], Any]) -> Any:
    return (async_to_sync(render) if iscoroutinefunction(render) else render)()


def _class_name(hook: Any) -> str:
    return type(hook.__self__).__name__
