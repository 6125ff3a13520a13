"""Reward models: what scores candidates. One backend a file; importing this loads none of them."""
