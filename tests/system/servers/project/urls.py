from django.conf import settings
from django.urls import re_path
from project import views

# As the tutorial's static(settings.MEDIA_URL, ...) reads it.
media_url = settings.MEDIA_URL

urlpatterns = [
    re_path(r"^plain$", views.plain),
    re_path(r"^file$", views.file),
    re_path(r"^logs$", views.logs),
    re_path(r"^slow$", views.slow),
    re_path(r"^upload$", views.upload),
    re_path(r"^awaited$", views.awaited),
    re_path(r"^events$", views.events),
    re_path(r"^process$", views.process),
    re_path(r"^connection$", views.connection_of_process),
    re_path(r"^threads$", views.threads),
    re_path(r"^media-url$", views.media_url),
    re_path(r"^(?:wsgi|asgi)/", views.dump),
]
