from django.urls import path, re_path

from edgesite import views

urlpatterns = [
    path("sync/", views.told_sync),
    path("async/", views.told_async),
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
    path("größe/straße/", views.told_async),
    path("größe/<slug:name>/", views.told_sync),
    re_path(r"""^quoted/"double"/'single'/$""", views.told_async),
    re_path(r"""^quoted/"double"/.*$""", views.told_sync),
    re_path(r"^years/(?P<year>\d{4})/$", views.told_async),
    re_path(r"^years/(?P<year>\d+)/$", views.told_sync),
    re_path(r"^back\\slash/\$dollar;{brace}/$", views.told_async),
    re_path(r"^back\\slash/", views.told_sync),
    re_path(r"^either/(?:one|two)/$", views.told_async),
    re_path(r"^either/\w+/$", views.told_sync),
    path("int/<int:number>/", views.told_async),
    path("int/<str:text>/", views.told_sync),
    path("日本/<path:rest>", views.told_async),
]
