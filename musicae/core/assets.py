"""Paths of the files that ship with the package: weights, figures, forms, pages."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
"""The folder of packaged files."""
WEIGHTS = ASSETS / "weights"
"""Trained models, their model cards, logs and metrics."""
BACH_FIGURES = ASSETS / "bach"
"""Statistics of Bach's chorales on the train side: rates, histograms."""
FORMS = ASSETS / "forms.json"
"""The forms of the training pieces, by style."""
REPORT_PAGE = ASSETS / "report_page"
"""The HTML, CSS and JavaScript of an audition pack's page."""
PRACTICE_PAGE = ASSETS / "practice_page"
"""The HTML, CSS and JavaScript of the page in a choir's practice kit."""
STUDIO = ASSETS / "studio" / "built"
"""The built page of ``musicae studio``."""
CHECKOUT = ASSETS.parents[1]
"""The root of the project's checkout, if the package runs from one."""
