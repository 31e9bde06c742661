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
"""The value of a feature that is absent."""
UNKNOWN, SILENT, HELD, BEGUN = range(4)
"""The kinds of ``Notes``: what a voice does at a step."""
AGES = (1, 2, 3, 4, 5, 7, 9, 13, 17)
"""Bounds of the classes of a note's age, in steps since it began."""
WIDEST_LEAP = 13
"""Melodic intervals are clipped to this many semitones."""
WIDEST_INTERVAL = 35
"""Intervals between voices are clipped to this many semitones."""
INTERVALS = 2 * WIDEST_INTERVAL + 1
"""The number of clipped intervals between voices."""
COLUMNS = ("root", "quality", "bass", "begins", "next_root", "next_quality", "next_bass", "next_in")
"""The last columns of the context of a model that follows a plan: the chord of the step, whether
it begins there, the next chord, and the class of the steps until it begins."""
ROOTS = 13
"""Values of the column ``root``: none, and twelve degrees."""
MEMBERS = 4
"""A chord has at most so many members."""
PLACES = MEMBERS + 12
"""How a degree stands to a chord: as one of its members, or foreign at one of 12 intervals above
its root."""
CHORD_RELATIONS = 3
"""A pitch is scored by its place in the chord, above the chord's bass, and in the next chord."""
RELATIONS = 2
"""Relations that score a pitch besides its interval to each voice: its height and its degree."""
PARTS = 5
"""Features of a single voice: kind, height, degree, age and leap."""
POOLS = 8
"""Attention heads that pool the frames of a beat, and the beats of a piece."""
TONICS = 12
MODES = ("major", "minor", "dorian", "mixolydian", "phrygian")
"""In the order of the scores. Lydian tunes count as major."""
N_PIECE = 4 * TONICS + 1
"""Features of a whole piece."""
