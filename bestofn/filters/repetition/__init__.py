"""The repetition filter and the rules it judges by."""
