"""Sentry, as its documentation sets it up in the settings."""

import os

import sentry_sdk

dsn = os.environ.get("SENTRY_DSN", "http://key@127.0.0.1:9/1")
sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0)
