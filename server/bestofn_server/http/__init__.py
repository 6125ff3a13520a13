"""HTTP: keys, disconnects, event streams, the OpenAPI page."""
