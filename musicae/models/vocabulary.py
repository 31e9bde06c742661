"""The symbols that a voice can have at a step, as the integers that all models use."""

HOLD = 0
"""The note or rest of the step before continues."""
SILENCE = 1
"""The voice rests."""
FIRST_PITCH = 2
"""The onset of a voice's lowest pitch; higher pitches follow by semitones."""
MIDI_PITCHES = 128
"""MIDI pitches are 0 to 127."""
