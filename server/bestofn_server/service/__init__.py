"""The service behind the routes: a request's way to its rankings."""
