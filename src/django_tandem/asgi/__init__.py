"""What runs inside the project that an ASGI server serves."""
