"""The symbols that a voice can have at a step, as the integers that all models use."""

HOLD = 0
"""The note or rest of the step before continues."""
SILENCE = 1
"""The voice rests."""
FIRST_PITCH = 2
"""The onset of a voice's lowest pitch; higher pitches follow by semitones."""
MIDI_PITCHES = 128
"""MIDI pitches are 0 to 127."""
NONE = -1
"""The value of an absent feature."""
UNKNOWN, SILENT, HELD, BEGUN = range(4)
"""The kinds of ``Notes``: what a voice does at a step."""
AGES = (1, 2, 3, 4, 5, 7, 9, 13, 17)
"""Lower bounds of the classes of a note's age in steps; the first class is age 0."""
WIDEST_LEAP = 13
"""Melodic intervals are clipped to this many semitones."""
WIDEST_INTERVAL = 35
"""Intervals between voices are clipped to this many semitones."""
INTERVALS = 2 * WIDEST_INTERVAL + 1
"""The number of clipped intervals between voices."""
COLUMNS = ("root", "quality", "bass", "begins", "next_root", "next_quality", "next_bass", "next_in")
"""The last columns of the context of a model that follows a plan: the chord of the step, whether
it begins at this step, the next chord, and the class of the number of steps until that begins."""
ROOTS = 13
"""Values of the column ``root``: unknown, and twelve degrees."""
MEMBERS = 4
"""The most members that a chord can have."""
PLACES = MEMBERS + 12
"""Places of a degree in a chord: one of its members, or foreign to it at one of 12 intervals above
its root."""
CHORD_RELATIONS = 3
"""Relations of a pitch to the plan: its place in the chord, its interval above the chord's bass,
and its place in the next chord."""
RELATIONS = 2
"""Relations by which a pitch is scored besides its interval to each voice: height and degree."""
PARTS = 5
"""Features of a single voice: kind, height, degree, age and leap."""
POOLS = 8
"""Attention heads that pool the frames of a beat, and the beats of a piece."""
TONICS = 12
"""Tonics of the key finder: the pitch classes."""
MODES = ("major", "minor", "dorian", "mixolydian", "phrygian")
"""Modes of the key finder, in the order of its scores. Lydian tunes count as major."""
N_PIECE = 4 * TONICS + 1
"""Features of a whole piece that the key finder reads."""
