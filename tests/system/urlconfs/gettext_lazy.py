"""Django's own translations of a word, in every language and below its prefix."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from django.utils.functional import lazystr
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from urlconfs import view

urlpatterns = i18n_patterns(
    path(format_lazy("{day}/", day=_("Monday")), view()),
    path(format_lazy("{day}/", day=_("Tuesday")), include([path("<int:hour>/", view())])),
    path(lazystr("plain/"), view()),
    path("<str:day>/", view()),
)

PATHS = (
    "/en/Monday/",
    "/de/Montag/",
    "/pt-br/Segunda-feira/",
    "/de/Monday/",
    "/en/Montag/",
    "/de/Dienstag/8/",
    "/pt-br/Terça-feira/8/",
    "/en/Dienstag/8/",
    "/de/plain/",
)
