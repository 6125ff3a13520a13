"""A run on one HTML page: what was chosen, what it was chosen from, and what choosing gave.

findings.py gathers it from the records, plots.py draws it, page.py writes the page.
"""
