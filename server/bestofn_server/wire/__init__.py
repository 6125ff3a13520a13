"""Bodies on the wire: what is read, what is written."""
