"""Archives by year, month and day."""

from django.urls import include, path, re_path

from urlconfs import view

year = r"^(?P<year>[0-9]{4})/"
urlpatterns = [
    re_path(year + "$", view()),
    re_path(year + r"(?P<month>0[1-9]|1[0-2])/$", view()),
    re_path(year, include([re_path(r"^(?P<month>\w{3})/(?P<day>\d{1,2})/$", view())])),
    path("<int:year>/", include([path("<int:month>/<int:day>/", view()), path("", view())])),
]

PATHS = ("/2026/", "/2026/07/", "/2026/13/", "/2026/jul/4/", "/2026/7/4/", "/26/", "/26/7/4/")
