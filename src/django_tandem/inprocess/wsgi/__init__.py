"""What runs inside the project that a WSGI server serves."""
