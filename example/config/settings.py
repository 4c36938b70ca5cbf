"""Settings of the auction house; everything that differs by place is read from the environment."""

import os
import sys
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent


def listed(name: str, default: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


DEBUG = os.environ.get("DEBUG", "").lower() in {"1", "true", "yes"}
SECRET_KEY = os.environ.get(
    "SECRET_KEY", "demo-key-for-trying-the-example-only-set-SECRET_KEY-anywhere-else"
)
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS", "")

# With its own key it is no longer the demo: it names no users on the sign-in page, and
# shows nobody its processes unless it is asked to.
IS_DEMO = "SECRET_KEY" not in os.environ
UNDER_THE_HOOD = os.environ.get("UNDER_THE_HOOD", str(IS_DEMO)).lower() in {"1", "true", "yes"}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework.authtoken",
    "adrf",
    "graphene_django",
    "auctions",
    "hood",
]

MIDDLEWARE = [
    "hood.middleware.add_stack_headers",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# SQLite takes one writer at a time. IMMEDIATE makes a transaction queue for that place when it
# begins: one that began as a reader and then writes fails at once, with any timeout.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def database() -> dict:
    if url := os.environ.get("DATABASE_URL"):
        parsed = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    else:
        parsed = {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["OPTIONS"] = SQLITE_OPTIONS | parsed.get("OPTIONS", {})
    return parsed


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The in-memory layer cannot leave its process. Without REDIS_URL a bid still reaches every
# socket, but only when the socket next looks into the database (auctions.feed.CATCH_UP_S).
if REDIS_URL := os.environ.get("REDIS_URL"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "django_tandem.channels.RedisLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        },
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.HashedFiles",
    },
}

REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    # The token first: who shows one needs no CSRF token, and who shows nothing gets a 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
}

GRAPHENE = {"SCHEMA": "auctions.schema.schema"}

SHIPPING_URL = os.environ.get("SHIPPING_URL", "http://127.0.0.1:8765")
SHIPPING_TIMEOUT_S = 3

# Django's own default says nothing on the console unless DEBUG is on.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # Each refused bid would be a warning; refusing is what an auction does all day.
        "django.request": {"level": "ERROR"},
    },
}

# No route here needs a pin. The shipping service is this project's own stand-in
# for somebody else's, so it runs beside it.
# Each process may ask the worker to close a lot once: its cache need not be shared.
SILENCED_SYSTEM_CHECKS = ["tandem.W011", "tandem.E017"]

TANDEM = {"PROGRAMS": {"shipping": [sys.executable, "manage.py", "shipping_service"]}}
