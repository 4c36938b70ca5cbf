"""A library that patches asyncio, and makes an event loop for it."""

import asyncio

import nest_asyncio

asyncio.set_event_loop(asyncio.new_event_loop())
nest_asyncio.apply()
