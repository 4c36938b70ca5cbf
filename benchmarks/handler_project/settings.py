"""startproject's settings with its seven middleware, on PostgreSQL; more is in the environment."""

import os

SECRET_KEY = "benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "books",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
]

# The benchmark counts connections by this name in pg_stat_activity.
OPTIONS = {"application_name": os.environ.get("BENCH_NAME", "bench")}
# Django refuses a pool together with persistent connections.
POOLED = {"OPTIONS": OPTIONS | {"pool": True}}
PERSISTENT = {"OPTIONS": OPTIONS, "CONN_MAX_AGE": 60}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "tandem",
        "HOST": os.environ.get("BENCH_POSTGRES", ""),
        **(POOLED if os.environ.get("BENCH_POOL") else PERSISTENT),
    }
}

if "BENCH_THREADS" in os.environ:
    TANDEM = {"ASGI": {"THREADS": int(os.environ["BENCH_THREADS"])}}
