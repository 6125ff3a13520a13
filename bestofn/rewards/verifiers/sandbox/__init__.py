"""Programs run apart from this process and its files."""
