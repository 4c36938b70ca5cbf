from django.urls import path

from crowd import views

urlpatterns = [
    path("sleep/", views.sleep),
    path("burn/", views.burn),
    path("done/", views.done),
    path("length/", views.length),
    path("large/", views.large),
    path("large-on-asgi/", views.large_on_asgi),
    path("threads/", views.threads),
]
