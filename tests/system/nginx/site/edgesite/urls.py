from django.urls import path, re_path

from edgesite import views

urlpatterns = [
    path("sync/", views.describe_sync),
    path("async/", views.describe_async),
    path("big-headers/", views.big_headers),
    path("async-big-headers/", views.big_headers_async),
    path("accel/<path:name>", views.accel),
    path("async-accel/<path:name>", views.accel_async),
    path("download/", views.download),
    path("length/", views.length),
    path("async-length/", views.length_async),
    path("events/", views.events),
    path("thousand/", views.thousand),
    path("static/made/by/a/view.txt", views.late),
    # Pairs of neighbours, the first of them a coroutine, in patterns that are hard to write.
    path("größe/straße/", views.describe_async),
    path("größe/<slug:name>/", views.describe_sync),
    re_path(r"""^quoted/"double"/'single'/$""", views.describe_async),
    re_path(r"""^quoted/"double"/.*$""", views.describe_sync),
    re_path(r"^years/(?P<year>\d{4})/$", views.describe_async),
    re_path(r"^years/(?P<year>\d+)/$", views.describe_sync),
    re_path(r"^back\\slash/\$dollar;{brace}/$", views.describe_async),
    re_path(r"^back\\slash/", views.describe_sync),
    re_path(r"^either/(?:one|two)/$", views.describe_async),
    re_path(r"^either/\w+/$", views.describe_sync),
    path("int/<int:number>/", views.describe_async),
    path("int/<str:text>/", views.describe_sync),
    path("日本/<path:rest>", views.describe_async),
]
