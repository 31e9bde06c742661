"""The service of ``musicae studio``: it answers HTTP requests with the public API."""
