"""Sentry, as its documentation sets it up in the settings."""

import sentry_sdk

sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0)
