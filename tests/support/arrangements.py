"""Arrangements of known tunes in several tracks, each with the track that has the tune.

Each builder takes a tune as notes ``(start, end, pitch)`` in ticks. It returns the file's tracks,
as in ``midifiles.save``, and the number of the tune's part among the parts with notes (from 0).
"""

from __future__ import annotations

import mido

from musicae.io.midi_file import open_song
from tests.support.midifiles import meta, save, tune

PPQ = 480
BAR = 4 * PPQ


def tune_of(path, semitones=0):
    """The notes of a one-part MIDI file at 480 ticks a quarter."""
    song = open_song(path)
    return [
        (n.start * PPQ // song.ppq, n.end * PPQ // song.ppq, n.pitch + semitones)
        for n in song.parts[0].notes
    ]


def track(name, notes, channel=0, program=None, *others):
    """A track with a name and a program, if these are given."""
    events = [meta(0, "track_name", name=name)] if name else []
    if program is not None:
        events.append((0, mido.Message("program_change", channel=channel, program=program)))
    return [*events, *others, *tune(*notes, channel=channel)]


def chords(notes, low, every=BAR, length=None, sounds=3):
    """Triads with the tune's note at each beginning, from the pitch ``low`` upwards."""
    found = []
    for start in range(0, notes[-1][1], every):
        now = max((n for n in notes if n[0] <= start), default=notes[0])
        root = (now[2] - (0, 4, 7)[start // every % 3]) % 12
        for interval in (0, 4, 7)[:sounds]:
            pitch = low + (root + interval - low) % 12
            found.append((start, start + (length or every), pitch))
    return found


def line(notes, low, every=BAR):
    """The lowest notes of these triads."""
    return chords(notes, low, every, sounds=1)


def arpeggio(notes, low, every=PPQ // 2):
    """These triads broken into single notes."""
    triads = chords(notes, low, 3 * every)
    return [
        (start + i % 3 * every, start + (i % 3 + 1) * every, p)
        for i, (start, _, p) in enumerate(triads)
    ]


def below(notes, interval):
    return [(start, end, pitch - interval) for start, end, pitch in notes]


def drums(notes):
    ticks = range(0, notes[-1][1], PPQ)
    return track("Drums", [(t, t + 60, 36 + 2 * (t // PPQ % 2)) for t in ticks], 9)


def right_hand(notes):
    """The tune with two notes of a chord below each of its notes."""
    return [n for note in notes for n in (note, *below([note], 4), *below([note], 7))]


def hands_by_name(notes):
    left = track("Left Hand", chords(notes, 43, PPQ), 1, 0)
    return [track("Right Hand", right_hand(notes), 0, 0), left], 0


def left_hand_first(notes):
    return [track("", chords(notes, 43, 2 * PPQ), 0), track("", right_hand(notes), 1)], 1


def hands_of_one_name(notes):
    octaves = [n for note in line(notes, 36, PPQ) for n in (note, *below([note], 12))]
    return [track("Piano", octaves, 0, 0), track("Piano", right_hand(notes), 1, 0)], 1


def single_notes_in_the_left_hand(notes):
    return [track("", line(notes, 43, PPQ), 0, 0), track("", right_hand(notes), 1, 0)], 1


def a_bell_above(notes):
    bell = [(BAR, BAR + 240, 96)]
    return [
        track("", bell, 2, 14),
        track("", notes, 0, 73),
        track("", chords(notes, 48), 1, 0),
    ], 1


def a_few_bells_above(notes):
    bells = [(t, t + 240, 91) for t in range(0, notes[-1][1], 4 * BAR)]
    return [track("", chords(notes, 48), 1, 0), track("", notes, 0, 0), track("", bells, 2, 9)], 1


def band(notes):
    return [
        drums(notes),
        track("Bass", line(notes, 33, PPQ), 1, 33),
        track("Guitar", chords(notes, 52, PPQ), 2, 25),
        track("Strings", chords(notes, 72), 3, 48),
        track("Vocal", notes, 4, 53),
    ], 3


def band_without_names(notes):
    return [
        drums(notes),
        track("", line(notes, 33, PPQ), 1, 33),
        track("", chords(notes, 52, PPQ), 2, 25),
        track("", notes, 4, 73),
        track("", chords(notes, 72), 3, 89),
    ], 2


def saxophone_and_bass(notes):
    riff = [(t, t + 120, 70 + t // PPQ % 2) for t in range(0, notes[-1][1], 2 * PPQ)]
    return [
        track("Alto Sax", riff, 0, 65),
        track("Bass", line(notes, 33, PPQ), 1, 33),
        track("Vocal", notes, 2, 53),
        drums(notes),
    ], 2


def back_vocal_first(notes):
    return [
        track("Back vocal", below(notes, 4), 0, 53),
        track("Main vocal", notes, 1, 53),
        track("Bass", line(notes, 33, PPQ), 2, 33),
    ], 1


def back_vocal_above(notes):
    oohs = [(s, e, p + 12) for s, e, p in line(notes, 60)]
    return [
        track("BV", oohs, 0, 53),
        track("Lead Vox", notes, 1, 53),
        track("Piano", chords(notes, 48, PPQ), 2, 0),
    ], 1


def one_track(*parts):
    """Events of several channels in one track, as in format 0."""
    return [event for part in parts for event in part]


def titled(title):
    def build(notes):
        """One track of all channels, as in format 0; its title looks like a name for a melody."""
        return [
            one_track(
                track(title, line(notes, 36, PPQ), 0, 32),
                track("", chords(notes, 50, PPQ), 1, 0),
                track("", notes, 3, 73),
            )
        ], 2

    return build


def a_track_called_a(notes):
    return [track("a", chords(notes, 50, PPQ), 0, 0), track("b", notes, 1, 0)], 1


def fortune(notes):
    return [
        track("Fortune", chords(notes, 50, PPQ), 0, 0),
        track("Leader", line(notes, 40), 1, 0),
        track("Flute", notes, 2, 73),
    ], 2


def quartet(notes):
    return [
        track("Violin I", notes, 0, 40),
        track("Violin II", arpeggio(notes, 57), 1, 40),
        track("Viola", line(notes, 52, PPQ), 2, 41),
        track("Cello", line(notes, 38), 3, 42),
    ], 0


def karaoke(kind):
    def build(notes):
        """A flute plays above the tune; the tune has the words."""
        return [
            [meta(start, kind, text="la ") for start, _, _ in notes],
            track("", chords(notes, 48, PPQ), 0, 0),
            track("", arpeggio(notes, 79), 1, 73),
            track("", below(notes, 12), 3, 53),
        ], 2

    return build


def a_descant_in_the_gaps(notes):
    fills = [(t + 3 * PPQ, t + 4 * PPQ, 86) for t in range(0, notes[-1][1], 2 * BAR)]
    return [
        track("Violin", fills, 0, 40),
        track("Voice", notes, 1, 52),
        track("Organ", chords(notes, 48), 2, 19),
    ], 1


def a_harp_above(notes):
    return [
        track("", arpeggio(notes, 76, PPQ // 4), 0, 46),
        track("", notes, 1, 68),
        track("", line(notes, 40), 2, 42),
    ], 1


def high_strings(notes):
    return [
        track("", line(notes, 80), 0, 48),
        track("", notes, 1, 68),
        track("", chords(notes, 50), 2, 0),
    ], 1


def a_tune_for_the_cello(notes):
    return [
        track("", chords(notes, 64, PPQ), 0, 0),
        track("", below(notes, 12), 1, 42),
    ], 1


def a_repeated_note_above(notes):
    pulse = [(t, t + 100, 88) for t in range(0, notes[-1][1], PPQ // 2)]
    return [
        track("", pulse, 0, 80),
        track("", notes, 1, 80),
        track("", line(notes, 36, PPQ), 2, 38),
    ], 1


def accordion(notes):
    oompah = sorted(line(notes, 40, BAR) + chords(notes, 55, PPQ, 200))
    return [track("Accordion L", oompah, 0, 21), track("Accordion R", notes, 1, 21)], 1


def four_voices_without_names(notes):
    """The tune above three voices in its rhythm, from the lowest voice up."""
    return [track("", below(notes, 24), 3), *[
        track("", below(notes, interval), i) for i, interval in enumerate((16, 7, 0))
    ]], 3  # fmt: skip


BUILDERS = {
    "hands by name": (hands_by_name, 1),
    "left hand first": (left_hand_first, 1),
    "hands of one name": (hands_of_one_name, 1),
    "single notes in the left hand": (single_notes_in_the_left_hand, 1),
    "a bell above": (a_bell_above, 1),
    "a few bells above": (a_few_bells_above, 1),
    "band": (band, 1),
    "band without names": (band_without_names, 1),
    "saxophone and bass": (saxophone_and_bass, 1),
    "back vocal first": (back_vocal_first, 1),
    "back vocal above": (back_vocal_above, 1),
    "format 0, a tune": (titled("The tune of tunes"), 0),
    "format 0, a song": (titled("My song"), 0),
    "format 0, a voice": (titled("Voice of spring"), 0),
    "a track called a": (a_track_called_a, 1),
    "fortune": (fortune, 1),
    "quartet": (quartet, 1),
    "karaoke": (karaoke("lyrics"), 1),
    "karaoke as text": (karaoke("text"), 1),
    "a descant in the gaps": (a_descant_in_the_gaps, 1),
    "a harp above": (a_harp_above, 1),
    "high strings": (high_strings, 1),
    "a tune for the cello": (a_tune_for_the_cello, 1),
    "a repeated note above": (a_repeated_note_above, 1),
    "accordion": (accordion, 1),
    "four voices without names": (four_voices_without_names, 1),
}
"""By name: the builder of an arrangement, and its format."""


def arrangement(path, name, notes):
    """Write an arrangement; returns the number of the tune's part (from 0)."""
    build, form = BUILDERS[name]
    tracks, right = build(notes)
    save(path, *tracks, form=form)
    return right
