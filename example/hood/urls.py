"""The app's URLs."""

from django.urls import path

from hood import views

app_name = "hood"
urlpatterns = [
    path("plan/", views.plan, name="plan"),
    path("stacks/", views.stacks, name="stacks"),
]
