"""The version of musicae; ``pyproject.toml`` reads it from here."""

__version__ = "0.1.0"
