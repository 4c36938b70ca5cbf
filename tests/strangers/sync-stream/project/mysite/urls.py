import itertools
import json
import time

from django.http import StreamingHttpResponse
from django.urls import path


def _every(seconds, parts):
    for part in parts:
        yield part
        time.sleep(seconds)


def events(request):
    parts = (f"data: {number}\n\n" for number in itertools.count())
    return StreamingHttpResponse(_every(0.3, parts), content_type="text/event-stream")


def rows(request):
    parts = (json.dumps({"row": number}) + "\n" for number in range(20))
    return StreamingHttpResponse(_every(0.3, parts), content_type="application/x-ndjson")


def camera(request):
    parts = (f"--b\r\nContent-Type: text/plain\r\n\r\nframe {n}\r\n" for n in itertools.count())
    kind = "multipart/x-mixed-replace; boundary=b"
    return StreamingHttpResponse(_every(0.3, parts), content_type=kind)


def report(request):
    return StreamingHttpResponse((f"row {n}\n" for n in range(1000)), content_type="text/csv")


urlpatterns = [
    path("events/", events),
    path("rows/", rows),
    path("camera/", camera),
    path("report.csv", report),
]
