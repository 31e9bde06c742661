"""General MIDI programs (instrument sounds) by number and by name."""

from __future__ import annotations

from musicae.core.errors import ChoraleError

CHOIR_AAHS = 52
"""The default General MIDI program of voices, counted from 0."""
USUAL = "choir aahs"
"""The name of ``CHOIR_AAHS``; it needs no list of names."""


def program_of(text: str) -> int:
    """The General MIDI program, counted from 0, for a number from 1 to 128 or a part of a name.

    The first program with a matching name is taken. Raises ChoraleError if there is none.

    >>> program_of("church organ"), program_of("1")
    (19, 0)
    """
    if text.lower() == USUAL:
        return CHOIR_AAHS
    import pretty_midi

    if text.isdecimal() and 1 <= int(text) <= 128:
        return int(text) - 1
    names = [pretty_midi.program_to_instrument_name(p) for p in range(128)]
    found = [p for p, name in enumerate(names) if text.lower() in name.lower()]
    if not found or text.isdecimal():
        raise ChoraleError(
            f"no General MIDI sound is {text!r}; give a number 1 to 128"
            " or a name such as 'choir aahs' or 'church organ'"
        )
    return found[0]
