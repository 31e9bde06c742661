"""The errors that musicae raises for bad input. Each message is one line for the user."""

from __future__ import annotations


class MusicaeError(ValueError):
    """Bad input; the message says in one line what is wrong and what would help."""


class ChoraleError(MusicaeError):
    """Music that cannot be a chorale, or a file that cannot be used."""


class CheckpointError(MusicaeError):
    """Weights that cannot be found or used."""


class TrainingError(MusicaeError):
    """A training run that cannot start or continue."""
