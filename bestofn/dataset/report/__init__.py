"""A run on one HTML page: what was chosen, what it was chosen from, and what choosing gave.

    records -> findings.py (one pass, bounded) -> plots, sections (page.py) -> document.py

findings.py gathers rewards and examples from the records, decisions.py how winners were chosen and
sampling was stopped; page.py makes them sections, which document.py writes, as it does those of
`bestofn compare`.
"""
