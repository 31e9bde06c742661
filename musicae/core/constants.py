"""Constants of the whole package: the time grid, the voices and their ranges, tempos, colours."""

from __future__ import annotations

STEPS_PER_QUARTER = 4
"""Steps (sixteenths) of a quarter note."""


STEPS_PER_WHOLE = 4 * STEPS_PER_QUARTER


TICKS = 24
"""Ticks of a quarter note in projects: a sixteenth has 6, an eighth of a triplet 8."""


TICKS_A_STEP = TICKS // STEPS_PER_QUARTER


DOTTED_QUARTER = 6
"""Steps of a dotted quarter: a beat of compound meters, and a bar of 3/8."""


REST = -1
"""The value of ``pitch`` where a voice is silent."""


VOICES = ("Soprano", "Alto", "Tenor", "Bass")


N_VOICES = len(VOICES)


SOPRANO, ALTO, TENOR, BASS = range(N_VOICES)
"""The places of the voices on the axis ``V``."""


VOICE_RANGES = ((57, 81), (53, 74), (48, 69), (36, 64))
"""Lowest and highest MIDI pitch of each voice in Bach's chorales (checked against the corpus)."""


SLOWEST_QPM, FASTEST_QPM = 4.0, 500.0
"""Tempi in quarters a minute; within these bounds a hundredth survives MIDI's microseconds."""


MOST_STEPS = 100_000
"""The most steps of a piece, some 6,000 bars; damaged files can claim any length."""


STYLES = ("bach", "chorale", "hymn", "carol", "psalm", "song", "motet")
"""The styles of pieces; ``bach`` are Bach's own chorales."""


MOST_BYTES = 32 * 2**20
"""The most bytes of a score, unpacked where it is an .mxl archive."""


MOST_ELEMENTS = 500_000
"""The most XML elements of a score."""


MOST_NESTED = 64
"""The most XML elements within one another; MusicXML needs some ten."""


MOST_BARS = 10_000
"""The most bars of a score, whatever they hold."""


MOST_BAR_STEPS = 255 * STEPS_PER_WHOLE
"""The most steps that a bar of a score holds: those of the longest meter, 255/1."""


VOICE_COLOURS = ("#b5371c", "#f0b429", "#2a9d8f", "#1d3f72")
"""Colours of soprano, alto, tenor and bass; colour-blind readers can tell them apart."""


MARK_COLOUR = "#d0006f"
"""The colour of rule violations."""


UNSTATED_QPM = 120.0
"""Quarters a minute where a file states no tempo, as the MIDI standard has it."""


DEFAULT_QPM = 80.0
"""The tempo of new pieces, in quarters a minute."""
