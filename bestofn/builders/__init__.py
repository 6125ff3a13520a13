"""Builders: from settings to a pipeline; the one place that imports concrete backends."""
