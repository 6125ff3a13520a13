"""Scripts that print the tables of docs/figures.md; run them as `python -m benchmarks.NAME`."""
