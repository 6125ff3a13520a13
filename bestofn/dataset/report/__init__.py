"""A run on one HTML page: what was chosen, what it was chosen from, and what choosing gave."""
