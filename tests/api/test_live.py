"""A live harmonizer rewrites the changed bars, and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, VOICE_RANGES
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.theory.harmonic_plan import beats_of

BAR = 16
TUNE = (67, 69, 71, 72, 74, 72, 71, 69, 67, 71, 74, 72, 71, 69, 69, 67)
"""Four bars of quarters in G."""


def tune(times=2, **facts):
    notes = [(4 * i, 4, pitch) for i, pitch in enumerate(TUNE * times)]
    return Chorale.from_notes([notes], key=Key(1), **facts)


@pytest.fixture(scope="module")
def live():
    return musicae.LiveHarmonizer(tune(), key="G major")


def outside(chorale, first, last):
    """Pitches and onsets outside some bars."""
    bars = slice((first - 1) * BAR, last * BAR)
    return np.delete(chorale.pitch, bars, axis=0), np.delete(chorale.onset, bars, axis=0)


@st.composite
def changes(draw):
    """Two bar numbers, and notes inside these bars that do not overlap."""
    first = draw(st.integers(1, 8))
    last = draw(st.integers(first, min(8, first + 1)))
    cuts = sorted(draw(st.sets(st.integers(0, BAR * (last - first + 1)), min_size=2, max_size=9)))
    notes = [
        (start, stop - start, draw(st.integers(62, 79)))
        for start, stop in pairwise(cuts)
        if draw(st.booleans())
    ]
    return (first, last), notes


@settings(max_examples=12)
@given(changes())
def test_everything_outside_stays_and_the_melody_is_the_given_one(live, change):
    (first, last), notes = change
    before, plan = live.piece.chorale, live.piece.plan
    changed = live.replace((first, last), notes)
    after = live.piece.chorale
    for old, new in zip(outside(before, first, last), outside(after, first, last), strict=True):
        assert np.array_equal(old, new)
    start = (first - 1) * BAR
    assert [tuple(note) for note in changed.chorale.notes(0)] == sorted(notes)
    assert changed.bars == (first, last)
    there = after.bars(first, last)
    assert np.array_equal(changed.chorale.pitch, there.pitch)
    assert np.array_equal(changed.chorale.onset, there.onset)
    for voice, (low, high) in enumerate(VOICE_RANGES):
        assert all(low <= note.pitch <= high for note in after.notes(voice))
    sounding = (after.pitch[start : last * BAR] != REST).any(axis=1)
    for step, _, _ in notes:
        assert sounding[step]
    bars = [beat.bar + 1 for beat in plan.beats]
    rows = zip(bars, plan.chords, live.piece.plan.chords, strict=True)
    assert all(old == new for bar, old, new in rows if not first <= bar <= last)
    chords = zip(bars, live.piece.plan.chords, strict=True)
    assert [chord for bar, chord in chords if first <= bar <= last] == [*changed.plan.chords]
    assert changed.plan.beats == beats_of(changed.chorale)


def test_the_same_changes_give_the_same_music():
    made = []
    for _ in range(2):
        live = musicae.LiveHarmonizer(tune(), key="G major", seed=5)
        live.replace("3", [(0, 8, 71), (8, 8, 74)])
        live.replace("3-4", [(0, 16, 67), (16, 8, 69), (24, 8, 67)])
        made.append(live.piece)
    assert made[0].chorale == made[1].chorale
    assert made[0].plan == made[1].plan
    assert made[0].provenance["changed"] == ["3", "3-4"]
    assert made[0].provenance["plan"] == str(made[0].plan)


def test_the_harmony_changes_with_the_melody():
    live = musicae.LiveHarmonizer(tune(), key="G major")
    before = live.piece
    changed = live.replace("2", [(0, 4, 66), (4, 4, 69), (8, 8, 66)])
    assert changed.chorale != before.chorale.bars(2, 2)
    assert changed.plan.symbols() != before.plan.symbols()[4:8]
    for step in (0, 4, 8):
        assert changed.plan.chord_at(step) is not None


def test_a_held_note_ends_at_the_bar_line_and_begins_again_after_the_bars():
    notes = [(0, 8, 67), (8, 32, 71), (40, 8, 69), (48, 16, 67)]
    live = musicae.LiveHarmonizer(Chorale.from_notes([notes]), key="G major")
    live.replace("2", [(0, 16, 74)])
    assert live.piece.chorale.notes(0) == [
        *((0, 8, 67), (8, 8, 71), (16, 16, 74), (32, 8, 71), (40, 8, 69), (48, 16, 67))
    ]


def test_all_voices_are_silent_with_the_melody():
    live = musicae.LiveHarmonizer(tune(), key="G major")
    live.replace("3-4", [])
    chorale = live.piece.chorale
    reaching = [
        note
        for voice in range(4)
        for note in chorale.notes(voice)
        if note.step < 2 * BAR < note.step + note.duration
        or note.step < 4 * BAR < note.step + note.duration
    ]
    assert not reaching
    assert (chorale.pitch[2 * BAR : 4 * BAR] == REST).all()
    live.replace("3-4", [(0, 16, 71), (16, 16, 69)])
    assert (live.piece.chorale.pitch[2 * BAR : 4 * BAR] != REST).all()


def test_a_melody_in_another_voice_and_locked_voices():
    bass = Chorale.from_notes([[], [], [], [(4 * i, 4, 43 + i % 5) for i in range(16)]])
    live = musicae.LiveHarmonizer(bass, voice="bass", key="G major")
    live.replace("2", [(0, 16, 50)])
    assert [tuple(note) for note in live.piece.chorale.bars(2, 2).notes(3)] == [(0, 16, 50)]

    both = replace_voice(tune(1), 3, [(8 * i, 8, (43, 50)[i % 2]) for i in range(8)])
    live = musicae.LiveHarmonizer(both, lock="soprano,bass", key="G major")
    live.replace("2", [(0, 16, 74)])
    assert live.piece.chorale.notes(3) == both.notes(3)


def replace_voice(chorale, voice, notes):
    voices = [chorale.notes(v) for v in range(4)]
    voices[voice] = notes
    return Chorale.from_notes(voices, key=chorale.key)


def test_pickups_and_changing_meters():
    meters = (Meter(0, 3, 4), Meter(4 + 3 * 12, 4, 4), Meter(4 + 3 * 12 + 2 * 16, 6, 8))
    steps = 4 + 3 * 12 + 2 * 16 + 5 * 12
    notes = [(step, 4, 67 + step // 4 % 5) for step in range(0, steps, 4)]
    live = musicae.LiveHarmonizer(
        Chorale.from_notes([notes], steps, meters=meters, pickup=4), key="G major"
    )
    for bar, measure in enumerate(live.piece.chorale.measures):
        before = live.piece.chorale
        changed = live.replace((bar, bar), [(0, measure.length, 74)])
        after = live.piece.chorale
        there = slice(measure.start, measure.start + measure.length)
        assert np.array_equal(
            np.delete(before.pitch, there, axis=0), np.delete(after.pitch, there, axis=0)
        )
        assert (after.pitch[there, 0] == 74).all()
        assert changed.chorale.pitch.shape == (measure.length, 4)
        assert len(changed.plan.beats) == sum(b.bar == bar for b in live.piece.plan.beats)
    assert after.measures == before.measures


@pytest.mark.parametrize(
    ("bars", "notes", "message"),
    [
        ("9", [], "bars 9 to 9 are not all in the piece"),
        ((0, 1), [], "bars 0 to 1 are not all in the piece"),
        ((3, 2), [], "bars 3 to 2"),
        ("x", [], "bars are written like 5-8"),
        ("2", [(0, 4, 100)], "bar 2, beat 1: E7 is outside the soprano's range"),
        ("2", [(4, 4, 500)], "bar 2, beat 2: 500 is outside"),
        ("2", [(12, 8, 70)], "does not fit into the 16 steps"),
        ("2", [(-1, 4, 70)], "does not fit into the 16 steps"),
        ("2", [(0, 0, 70)], "does not fit into the 16 steps"),
        ("2", [(0, 8, 70), (4, 4, 71)], "bar 2, beat 2: a note begins before the previous one"),
        ("2", [(0, 4.5, 70)], "three whole numbers"),
        ("2", [(0, 4)], "three whole numbers"),
    ],
)
def test_errors_leave_everything_as_it_was(live, bars, notes, message):
    before = live.piece
    with pytest.raises(ChoraleError, match=message):
        live.replace(bars, notes)
    assert live.piece is before


def test_settings_that_do_not_go_with_a_live_harmonizer_are_refused():
    for setting in ({"n": 2}, {"bars": "2"}, {"figures": "6"}, {"words": "soprano"}):
        with pytest.raises(ChoraleError, match="does not go with a live harmonizer"):
            musicae.LiveHarmonizer(tune(), **setting)
    with pytest.raises(ChoraleError, match="is not given; name its voice"):
        musicae.LiveHarmonizer(replace_voice(tune(1), 3, [(0, 64, 43)]), lock="bass", key="G major")
    with pytest.raises(CheckpointError, match="does not write around given notes"):
        musicae.LiveHarmonizer(tune(), model="minibach")


def test_a_changed_piece_is_written(live, tmp_path):
    live.replace("1", [(0, 16, 67)])
    live.piece.write(tmp_path / "out.mid")
    assert np.array_equal(musicae.read(tmp_path / "out.mid").pitch, live.piece.chorale.pitch)
