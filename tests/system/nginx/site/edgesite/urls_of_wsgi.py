"""Nothing here needs ASGI."""

from django.urls import path

from edgesite import views

urlpatterns = [path("sync/", views.describe_sync), path("slow/", views.slow)]
