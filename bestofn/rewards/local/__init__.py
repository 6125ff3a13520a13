"""Forward passes of reward models in this process."""
