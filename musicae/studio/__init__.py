"""The service of ``musicae studio``: HTTP requests answered by the public API."""
