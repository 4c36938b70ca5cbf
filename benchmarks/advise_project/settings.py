"""A shop of forty routes on two SQLite files; ``MOVED`` names those that are on the other stack."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent

SECRET_KEY = "benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "rest_framework",
    "adrf",
    "graphene_django",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"},
    # What hold_ledger.py locks.
    "ledger": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "ledger.sqlite3",
        "OPTIONS": {"timeout": 30},
    },
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {"class": "logging.FileHandler", "filename": BASE_DIR / "shop.log", "delay": True}
    },
    "loggers": {
        "shop": {"handlers": ["file"], "level": "INFO", "propagate": False},
        # One route fails on purpose.
        "django.request": {"handlers": ["file"], "level": "CRITICAL", "propagate": False},
    },
}

# The services behind the shop, which upstream.py serves. The benchmark has other ports.
SUPPLIER_URL = "http://127.0.0.1:8766"
WAREHOUSE = ("127.0.0.1", 8767)
MOVED: tuple[str, ...] = ()
