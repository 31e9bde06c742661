"""Paths of the files that ship with the package: weights, figures, forms, pages."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
"""The folder of packaged files."""
WEIGHTS = ASSETS / "weights"
"""Trained models, their model cards, logs and metrics."""
BACH_FIGURES = ASSETS / "bach"
"""Figures of the train side of Bach's chorales: rates, histograms."""
FORMS = ASSETS / "forms.json"
"""The forms of the pieces to train on, by style."""
REPORT_PAGE = ASSETS / "report_page"
"""The HTML, CSS and JavaScript of an audition pack's page."""
PRACTICE_PAGE = ASSETS / "practice_page"
"""The HTML, CSS and JavaScript of the page of a choir's kit."""
STUDIO = ASSETS / "studio" / "built"
"""The page of ``musicae studio``, built."""
CHECKOUT = ASSETS.parents[1]
"""The project's checkout, where the package is installed in place from one."""
