"""Code and configuration that the servers load in their own processes."""
