"""startproject's middleware on PostgreSQL, connections that persist, and bodies that go to disk."""

import os

SECRET_KEY = "soak"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "soaked.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "tandem",
        "HOST": os.environ["SOAK_POSTGRES"],
        # Without an end: a machine that takes a minute for the soak would count one fewer.
        "CONN_MAX_AGE": None,
        "OPTIONS": {"application_name": "soaked"},
    }
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
TANDEM = {"ASGI": {"THREADS": int(os.environ["SOAK_THREADS"])}}
# Some requests cause errors on purpose.
LOGGING = {
    "version": 1,
    "handlers": {"none": {"class": "logging.NullHandler"}},
    "loggers": {"django": {"handlers": ["none"], "propagate": False}},
}
