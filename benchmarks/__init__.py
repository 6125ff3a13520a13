"""Scripts that print the tables of the README; run them as `python -m benchmarks.NAME`."""
