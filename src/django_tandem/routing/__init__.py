"""What the project's own code says of its routes: the URLconf, the views, the ASGI application."""
