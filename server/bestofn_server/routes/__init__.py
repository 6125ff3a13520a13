"""Paths of the service, a module for each group; each path is a `ServiceRoute` (route.py)."""
