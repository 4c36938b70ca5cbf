"""The app's configuration."""

from django.apps import AppConfig


class HoodConfig(AppConfig):
    name = "hood"
    verbose_name = "Under the hood"
