"""Tests of what deploys the server: image, chart, unit, monitoring."""
