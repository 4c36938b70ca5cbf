"""What the project's own code says: entry points, URLconf, ASGI application, views."""
