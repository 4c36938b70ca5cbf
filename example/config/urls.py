"""Every URL of the auction house."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from auctions.views import SignIn

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("", include("auctions.urls")),
]
if settings.UNDER_THE_HOOD:
    urlpatterns.append(path("hood/", include("hood.urls")))
