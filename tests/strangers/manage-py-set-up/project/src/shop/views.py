import os

from django.http import HttpResponse


def secret(request):
    return HttpResponse(os.environ["SECRET"])
