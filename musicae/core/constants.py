"""Constants of the whole package: time grid, voices and their ranges, tempos, limits, colours."""

from __future__ import annotations

STEPS_PER_QUARTER = 4
"""Steps (sixteenths) of a quarter note."""


STEPS_PER_WHOLE = 4 * STEPS_PER_QUARTER


TICKS = 24
"""Ticks of a quarter note in projects. A sixteenth has 6 ticks, a triplet eighth 8."""


TICKS_A_STEP = TICKS // STEPS_PER_QUARTER


DOTTED_QUARTER = 6
"""Steps of a dotted quarter: a beat of compound meters, and a bar of 3/8."""


REST = -1
"""The value of ``pitch`` while a voice is silent."""


VOICES = ("Soprano", "Alto", "Tenor", "Bass")


N_VOICES = len(VOICES)


SOPRANO, ALTO, TENOR, BASS = range(N_VOICES)
"""The index of each voice on the axis ``V``."""


VOICE_RANGES = ((57, 81), (53, 74), (48, 69), (36, 64))
"""Lowest and highest MIDI pitch of each voice in Bach's chorales (checked against the corpus)."""


SLOWEST_QPM, FASTEST_QPM = 4.0, 500.0
"""The slowest and the fastest tempo, in quarters per minute.

Within these bounds MIDI's microseconds per quarter keep a tempo exact to a hundredth."""


MOST_STEPS = 100_000
"""The most steps of a piece, about 6,000 bars of 4/4; damaged files can claim any length."""


STYLES = ("bach", "chorale", "hymn", "carol", "psalm", "song", "motet")
"""The styles of pieces; ``bach`` stands for Bach's own chorales."""


MOST_BYTES = 32 * 2**20
"""The most bytes of a score; of an .mxl archive, after unpacking."""


MOST_ELEMENTS = 500_000
"""The most XML elements of a score."""


MOST_NESTED = 64
"""The deepest nesting of XML elements; MusicXML needs about ten levels."""


MOST_BARS = 10_000
"""The most bars of a score, empty ones included."""


MOST_BAR_STEPS = 255 * STEPS_PER_WHOLE
"""The most steps of a bar in a score: a bar of the longest meter, 255/1."""


VOICE_COLOURS = ("#b5371c", "#f0b429", "#2a9d8f", "#1d3f72")
"""Colours of soprano, alto, tenor and bass; colour-blind readers can tell them apart."""


MARK_COLOUR = "#d0006f"
"""The colour of rule violations."""


UNSTATED_QPM = 120.0
"""The tempo of a file that states none, in quarters per minute, by the MIDI standard."""


DEFAULT_QPM = 80.0
"""The tempo of new pieces, in quarters per minute."""
