"""The playground: a page at / to try prompts and settings, and to watch candidates come."""
