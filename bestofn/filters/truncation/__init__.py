"""The truncation filter and the rules it judges by."""
