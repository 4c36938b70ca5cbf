"""The facts about a project, read from its code: entry points, URLconf, ASGI application, views."""
