import os  # noqa: E402

from django.utils.translation import gettext_lazy  # noqa: E402

# As Channels recommends it, for runserver: its import makes an event loop.
INSTALLED_APPS = ["daphne", *INSTALLED_APPS]  # noqa: F821
# As Django's documentation has them; their text can't be read before the applications are loaded.
LANGUAGES = [("en", gettext_lazy("English")), ("fr", gettext_lazy("French"))]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://127.0.0.1:1")]},
    }
}
