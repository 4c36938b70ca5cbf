"""Render what runs in a cluster of Kubernetes."""
