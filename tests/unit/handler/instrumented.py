"""
Serves requests beside a tool that instruments Django, and prints what that saw of them.

`python -m handler.instrumented TOOL stock|ours`, where TOOL is a key of TOOLS.
"""

import asyncio
import functools
import inspect
import json
import logging
import os
import sys

RECORDED = []
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "handler.instrumented_urls.own_middleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PATHS = ("/sync/", "/async/", "/fails/", "/fails-too/", "/nowhere/", "/sync", "/stream/")


def plain_wrapper():
    """Wrap what Django calls for each middleware, as several agents do."""
    from django.core.handlers import base

    convert = base.convert_exception_to_response

    def traced_convert(get_response):
        inner = convert(get_response)
        name = getattr(get_response, "__qualname__", type(get_response).__qualname__)
        if inspect.iscoroutinefunction(inner):

            @functools.wraps(inner)
            async def traced(request):
                RECORDED.append(name)
                return await inner(request)
        else:

            @functools.wraps(inner)
            def traced(request):
                RECORDED.append(name)
                return inner(request)

        return traced

    base.convert_exception_to_response = traced_convert


def rewritten_bytecode():
    """Replace the code of a function in place, as debuggers and tracers do."""
    from django.middleware.security import SecurityMiddleware

    def process_response(self, request, response):
        response["X-Rewritten"] = "yes"
        return response

    SecurityMiddleware.process_response.__code__ = process_response.__code__


def replaced_later():
    """Replace a hook once all is made, as a tool does that starts with the first request."""
    from django.core.signals import request_started
    from django.middleware.security import SecurityMiddleware

    def process_response(self, request, response):
        response["X-Rewritten"] = "yes"
        return response

    def replace(**_):
        SecurityMiddleware.process_response = process_response

    request_started.connect(replace, weak=False)


def new_relic():
    """Start its agent in the mode that sends nothing."""
    os.environ |= {
        "NEW_RELIC_DEVELOPER_MODE": "true",
        "NEW_RELIC_LICENSE_KEY": "0" * 40,
        "NEW_RELIC_APP_NAME": "tests",
        "NEW_RELIC_LOG": "stderr",
        "NEW_RELIC_LOG_LEVEL": "critical",
        "NEW_RELIC_STARTUP_TIMEOUT": "10",
    }
    import newrelic.agent
    from newrelic.core.application import Application

    newrelic.agent.initialize()
    record = Application.record_transaction

    def noted(self, data):
        RECORDED.append(data.path)
        return record(self, data)

    Application.record_transaction = noted


def datadog():
    """Patch Django as `ddtrace-run` does, and keep the spans."""
    os.environ |= {
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }
    import ddtrace.auto  # noqa: F401
    from ddtrace.trace import TraceFilter, tracer

    class Keep(TraceFilter):
        def process_trace(self, trace):
            RECORDED.extend(f"{span.name} {span.resource}" for span in trace)

    tracer.configure(trace_processors=[Keep()])


def instrument_by_opentelemetry():
    """Instrument Django, as asgi.py does, and keep the spans."""
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

    class Keep(SpanExporter):
        def export(self, spans):
            RECORDED.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Keep()))
    DjangoInstrumentor().instrument(tracer_provider=provider)


def elastic():
    """Do nothing yet: its application starts it."""


def sentry():
    """Start it with a transport that keeps the names of the events."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Keep(Transport):
        def capture_envelope(self, envelope):
            for event in (item.payload.json or {} for item in envelope.items):
                kind = "exception" if "exception" in event else event.get("type")
                if "request" in event:
                    RECORDED.append(f"{kind} {event['transaction']} {event['request']['url']}")
                RECORDED.extend(
                    f"{span['op']} {span['description']}" for span in event.get("spans", ())
                )

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Keep, traces_sample_rate=1.0)


TOOLS = {
    "nothing": lambda: None,
    "plain wrapper": plain_wrapper,
    "rewritten bytecode": rewritten_bytecode,
    "replaced later": replaced_later,
    "newrelic": new_relic,
    "ddtrace": datadog,
    "opentelemetry": lambda: None,
    "elasticapm": elastic,
    "sentry": sentry,
}


def configure(tool):
    from django.conf import settings

    extra = {}
    if tool == "elasticapm":
        extra["ELASTIC_APM"] = {
            "SERVICE_NAME": "tests",
            "TRANSPORT_CLASS": "handler.instrumented_urls.KeepingTransport",
            "METRICS_INTERVAL": "0s",
            "CENTRAL_CONFIG": False,
        }
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="for tests",
        ROOT_URLCONF="handler.instrumented_urls",
        MIDDLEWARE=MIDDLEWARE,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            *(["elasticapm.contrib.django"] if tool == "elasticapm" else []),
        ],
        **extra,
    )


async def several(application):
    from handler.client import send_request

    found = {}
    for path in PATHS:
        client = await send_request(application, path)
        kept = ("location", "x-rewritten", "x-own", "x-frame-options", "content-type")
        headers = [f"{name}: {client.headers[name]}" for name in kept if name in client.headers]
        found[path] = [client.status, *headers]
    found["form"] = [(await send_request(application, "/sync/", method="POST")).status]
    return found


def main(tool, handler):
    TOOLS[tool]()
    configure(tool)
    if tool == "opentelemetry":
        instrument_by_opentelemetry()
    import django

    django.setup(set_prefix=False)
    # At work in each of them, but not part of what is compared.
    logging.disable(logging.CRITICAL)
    from django.core.handlers.asgi import ASGIHandler

    from django_tandem.handler.application import DjangoApplication

    # One alone: New Relic wraps what it finds in the first.
    application = DjangoApplication() if handler == "ours" else ASGIHandler()
    answers = asyncio.run(several(application))
    if tool == "sentry":
        import sentry_sdk

        sentry_sdk.flush()
    if tool == "ddtrace":
        from ddtrace.trace import tracer

        tracer.flush()
    print(json.dumps({"answers": answers, "recorded": sorted(RECORDED)}))
    sys.stdout.flush()
    # Some agents wait for their threads at the exit.
    os._exit(0)


if __name__ == "__main__":
    # Agents import this module by its name, and what they record must be in one list.
    sys.modules["handler.instrumented"] = sys.modules["__main__"]
    main(*sys.argv[1:])
