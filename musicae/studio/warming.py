"""Load the models before they are asked for, so that the first harmonization is quick."""

from __future__ import annotations

import logging

_log = logging.getLogger("musicae.studio")


def warm() -> None:
    """Harmonize a short tune."""
    from musicae.api.project import Project

    tune = [[24 * i, 24, pitch] for i, pitch in enumerate((67, 69, 71, 72, 74, 72, 71, 67))]
    try:
        Project.of_dict({"format": 1, "tune": tune, "length": 192}).harmonized()
    except Exception:  # what is wrong is told where it is asked for
        _log.exception("the models cannot be used")
