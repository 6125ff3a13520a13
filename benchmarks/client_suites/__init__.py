"""Suites of tests of other projects, and clients that people use, run against the server."""
