"""What runs inside the served project: the applications that its servers load, and their layers."""
