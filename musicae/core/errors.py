"""The errors that musicae raises for bad input; each message is one line for its user."""

from __future__ import annotations


class MusicaeError(ValueError):
    """What went wrong and what would help, in a line that a musician can read."""


class ChoraleError(MusicaeError):
    """Music that cannot be a chorale, or a file that cannot be used."""


class CheckpointError(MusicaeError):
    """Weights that cannot be found or used; says which and why in a line."""


class TrainingError(MusicaeError):
    """A training run that cannot begin or go on; says why in a line."""
