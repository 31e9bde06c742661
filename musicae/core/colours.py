"""The colours that voices and faults have in every picture, score, page and project."""

VOICE_COLOURS = ("#b5371c", "#f0b429", "#2a9d8f", "#1d3f72")
"""Of soprano, alto, tenor and bass: apart for colour-blind eyes, neighbours also in grey."""
MARK_COLOUR = "#d0006f"
"""Of what breaks a rule."""
