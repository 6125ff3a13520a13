"""The core: types, seams and the one path from a request to a ranking."""
