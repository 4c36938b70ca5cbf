"""The pages of the shop: synchronous views, as functions and as classes."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import Context, Template
from django.views import View
from django.views.generic import TemplateView

from shop.clients import ask_supplier, ask_warehouse, read_balance
from shop.models import Book
from shop.work import compress, compute

logger = logging.getLogger("shop")

PAGE = Template("{% for each in books %}<li>{{ each.title }}: {{ each.price }}</li>{% endfor %}")


# Of those that wait


def offers(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("offers", 250))


class Dashboard(View):
    """Three services, one after the other."""

    def get(self, request: HttpRequest) -> JsonResponse:
        found = [ask_supplier(each, 80) for each in ("orders", "returns", "visits")]
        return JsonResponse({"parts": found})


def feed(request: HttpRequest) -> StreamingHttpResponse:
    """Stream each part as soon as its supplier has sent it."""

    def parts() -> Iterator[str]:
        for number in range(6):
            yield f"{number}: {ask_supplier('part', 60)['price']}\n"

    return StreamingHttpResponse(parts(), content_type="text/plain")


def balance(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"balance": read_balance()})


def notify(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("notify", 500))


class Checkout(View):
    """A price that is computed, and a payment that is awaited."""

    def post(self, request: HttpRequest) -> JsonResponse:
        compute(8)
        return JsonResponse(ask_supplier("payment", 300))


def reply(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("assistant", 800))


def search(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("search", 30))


def greeting(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("greeting", 15))


def yearly(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("yearly", 800))


def coupons(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ask_supplier("unreliable", 100))


# Of those that compute


def report(request: HttpRequest) -> HttpResponse:
    """Compute, with a line to the log and to a file for each step."""
    with Path(settings.BASE_DIR, "report.txt").open("a") as lines:
        for step in range(10):
            figure = compute(8)
            logger.info("step %d: %d", step, figure)
            lines.write(f"{step}\t{figure}\n")
            lines.flush()
    return HttpResponse("done")


class Thumbnail(View):
    """Pictures are compressed in C, which leaves the GIL to other threads."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponse(f"{pk}: {compress(60)}")


def export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream rows, each of which is computed when the server takes it."""

    def rows() -> Iterator[str]:
        for number in range(30):
            yield f"{number};{compute(4)}\n"

    return StreamingHttpResponse(rows(), content_type="text/csv")


def forecast(request: HttpRequest) -> JsonResponse:
    """Compute in three threads of this process, and wait for them."""
    with ThreadPoolExecutor(3) as pool:
        return JsonResponse({"months": list(pool.map(compute, [30, 30, 30]))})


def index(request: HttpRequest) -> JsonResponse:
    """Compute beside a thread that has the GIL half of the time."""
    beside = threading.Thread(target=compute, args=(40,))
    beside.start()
    found = compute(40)
    beside.join()
    return JsonResponse({"words": found})


class Home(TemplateView):
    """A short page of a query and a template."""

    def get(self, request: HttpRequest) -> HttpResponse:
        books = Book.objects.order_by("-price")[:10]
        return HttpResponse(PAGE.render(Context({"books": books})))


def prices(request: HttpRequest) -> JsonResponse:
    """Compute for longer than the supplier takes."""
    found = ask_supplier("prices", 30)
    return JsonResponse(found | {"margin": compute(60)})


def receipts(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{compute(50)}")


def stocktake(request: HttpRequest) -> JsonResponse:
    """Ask the warehouse: only the client's code shows that it waits."""
    return JsonResponse({"stock": ask_warehouse(120)})
