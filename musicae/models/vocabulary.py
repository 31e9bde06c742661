"""The symbols of a voice at a step, in numbers: what models and the piano roll agree on."""

HOLD = 0
"""What sounded goes on."""
SILENCE = 1
"""The voice rests."""
FIRST_PITCH = 2
"""The onset of a voice's lowest pitch; the others follow by semitones."""
MIDI_PITCHES = 128
