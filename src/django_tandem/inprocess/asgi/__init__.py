"""The ASGI entry point, and what stands around the project's application."""
