"""A live harmonizer resumes a piece, and rewrites bars around the notes that stay."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musicae
from musicae.api.harmonize import Task
from musicae.api.options import HarmonizeOptions
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.key import Key
from musicae.core.progress import reporting
from musicae.theory.voice_leading.rules import Violation

BAR = 16
TUNE = (67, 69, 71, 72, 74, 72, 71, 69, 67, 71, 74, 72, 71, 69, 69, 67)
"""Four bars of quarters in G."""
MELODY = Chorale.from_notes([[(4 * i, 4, p) for i, p in enumerate(TUNE * 2)]], key=Key(1))


def task(melody=MELODY, **options):
    return Task.of(melody, HarmonizeOptions(key="G major").changed(**options))


@pytest.fixture(scope="module")
def made():
    return musicae.harmonize(MELODY, key="G major")[0]


def live(made, locked=None, **options):
    return musicae.LiveHarmonizer.resume(task(**options), made.chorale, made.plan, locked)


def steps(bars):
    return slice((bars[0] - 1) * BAR, bars[1] * BAR)


def notes(changed):
    return changed.chorale.pitch.tobytes(), changed.chorale.onset.tobytes()


def test_going_on_gives_the_same_piece_and_writes_the_same_as_from_the_start(made):
    resumed = live(made)
    assert resumed.piece.chorale == made.chorale
    assert resumed.piece.plan == made.plan
    assert "changed" not in resumed.piece.provenance
    (again,) = resumed.rewrite()
    assert again.bars == (1, 8)
    assert notes(again) == (made.chorale.pitch.tobytes(), made.chorale.onset.tobytes())
    assert again.plan == made.plan
    from_start = musicae.LiveHarmonizer(MELODY, key="G major")
    for bars in ("3", "5-6"):
        assert notes(from_start.rewrite(bars)[0]) == notes(resumed.rewrite(bars)[0])


def test_it_follows_the_melody_of_the_task(made):
    other = Chorale.from_notes(
        [[(4 * i, 4, p) for i, p in enumerate((*TUNE[:4], 66, 66, 66, 66, *TUNE[8:], *TUNE))]]
    )
    resumed = musicae.LiveHarmonizer.resume(task(other), made.chorale, made.plan)
    assert resumed.piece.chorale.notes(0) == other.notes(0)
    assert np.array_equal(resumed.piece.chorale.pitch[:, 1:], made.chorale.pitch[:, 1:])
    (changed,) = resumed.rewrite("2")
    assert changed.chorale.notes(0) == other.bars(2, 2).notes(0)
    assert 6 in changed.plan.chords[1].members or 11 in changed.plan.chords[1].members
    assert changed.plan.chords != made.plan.chords[4:8]


@st.composite
def locks(draw):
    """Bars, and locked cells as rows ``(step, voice, number of steps)``."""
    first = draw(st.integers(1, 8))
    bars = first, draw(st.integers(first, min(8, first + 2)))
    rows = st.tuples(st.integers(0, 8 * BAR - 1), st.integers(0, 3), st.integers(1, 12))
    return bars, draw(st.lists(rows, max_size=6)), draw(st.integers(1, 2)), draw(st.integers(0, 9))


@settings(max_examples=8)
@given(locks())
def test_locked_notes_and_all_outside_stay_and_the_same_seed_gives_the_same(made, drawn):
    bars, rows, n, seed = drawn
    locked = np.zeros(made.chorale.pitch.shape, dtype=np.bool_)
    for step, voice, length in rows:
        locked[step : step + length, voice] = True
    resumed = live(made, locked)
    ways = resumed.rewrite(bars, n, seed)
    assert 1 <= len(ways) <= n
    assert len({notes(way) for way in ways}) == len(ways)
    assert [notes(way) for way in live(made, locked).rewrite(bars, n, seed)] == [*map(notes, ways)]
    assert resumed.piece.chorale == made.chorale
    resumed.take(ways[-1])
    before, after = made.chorale, resumed.piece.chorale
    stays = np.ones(locked.shape, dtype=np.bool_)
    stays[steps(bars), 1:] = locked[steps(bars), 1:]
    assert np.array_equal(before.pitch[stays], after.pitch[stays])
    assert np.array_equal(before.onset[stays], after.onset[stays])
    for step, voice in np.argwhere(locked):
        if (note := sounding(before, voice, step)) is not None:
            assert note in after.notes(voice)
    assert np.array_equal(after.pitch[steps(bars)], ways[-1].chorale.pitch)
    assert after == after.__class__(after.pitch, after.onset, **facts(after))
    assert resumed.piece.provenance["changed"] == ["-".join(map(str, dict.fromkeys(bars)))]


def facts(chorale):
    names = ("meters", "pickup", "key", "fermatas", "tempos", "title", "source")
    return {name: getattr(chorale, name) for name in names}


def sounding(chorale, voice, step):
    return next((n for n in chorale.notes(voice) if n.step <= step < n.step + n.duration), None)


def test_a_locked_bar_keeps_its_chords_too(made):
    locked = np.zeros(made.chorale.pitch.shape, dtype=np.bool_)
    locked[steps((3, 3))] = True
    resumed = live(made, locked)
    for way in resumed.rewrite(n=3):
        assert np.array_equal(way.chorale.pitch[steps((3, 3))], made.chorale.pitch[steps((3, 3))])
        assert way.plan.chords[8:12] == made.plan.chords[8:12]
    (all_locked,) = live(made, np.ones_like(locked)).rewrite("2-5", n=3)
    assert all_locked.plan.chords == made.plan.chords[4:20]


def test_alternatives_have_other_chords(made):
    for bars in ("3", "5-6", None):
        ways = live(made).rewrite(bars, n=4)
        assert len({way.plan.chords for way in ways}) == 4


@pytest.mark.parametrize("chord", ["C", "Am7", "Cmaj7/E", "IV6", "V7", "D7sus4"])
def test_a_given_chord_sounds_where_it_is_given(made, chord):
    resumed = live(made, chords=f"2: ? {chord} ? ?")
    symbol = {
        "C": {0, 4, 7},
        "Am7": {9, 0, 4, 7},
        "Cmaj7/E": {4, 7, 11, 0},
        "IV6": {4, 7, 0},
        "V7": {2, 6, 9, 0},
        "D7sus4": {2, 7, 9, 0},
    }[chord]
    for way in resumed.rewrite("2", n=2):
        assert {int(p) % 12 for p in way.chorale.pitch[4]} == symbol
        assert not way.notices


def test_no_chord_is_silence(made):
    resumed = live(made, chords="2: ? N.C. ? ?")
    (changed,) = resumed.rewrite("2")
    held = [note for v in range(1, 4) for note in made.chorale.notes(v) if note.step < 20]
    if not any(note.step + note.duration > 20 for note in held):
        assert (changed.chorale.pitch[4:8, 1:] == REST).all()
    assert (changed.chorale.pitch[4:8, 0] != REST).all()


def test_cadences_rhythm_and_ensembles_are_kept():
    sab = musicae.harmonize(MELODY, key="G major", ensemble="sab")[0]
    resumed = live(sab, ensemble="sab")
    assert resumed.piece.chorale == sab.chorale
    for way in resumed.rewrite("2-3", n=2):
        silent = [v for v in range(4) if (sab.chorale.pitch[:, v] == REST).all()]
        assert silent
        assert (way.chorale.pitch[:, silent] == REST).all()
        for voice in set(range(4)) - set(silent):
            low, high = sab.ensemble.voices[voice].range
            assert all(low <= note.pitch <= high for note in way.chorale.notes(voice))


def test_taking_an_old_passage_back_begins_held_notes_again(made):
    resumed = live(made)
    old = resumed.rewrite("4", seed=1)[0]
    for number, bars in enumerate(("3-5", "3", "5")):
        resumed.take(resumed.rewrite(bars, seed=10 + number)[0])
    resumed.take(old)
    chorale = resumed.piece.chorale
    assert np.array_equal(chorale.pitch[steps((4, 4))], old.chorale.pitch)
    with pytest.raises(ChoraleError, match="bars 9 to 9 are not all in the piece"):
        resumed.take(old._replace(bars=(9, 9)))
    with pytest.raises(ChoraleError, match="do not fit there"):
        resumed.take(old._replace(bars=(3, 4)))


def test_pickups_and_a_melody_in_the_bass():
    bass = Chorale.from_notes(
        [[], [], [], [(4 * i, 4, 43 + 2 * (i % 4)) for i in range(17)]], pickup=4
    )
    piece = musicae.harmonize(bass, voice="bass", key="G major")[0]
    resumed = musicae.LiveHarmonizer.resume(task(bass, voice="bass"), piece.chorale, piece.plan)
    (changed,) = resumed.rewrite("0-1", seed=4)
    assert changed.bars == (0, 1)
    resumed.take(changed)
    assert resumed.piece.chorale.notes(3) == bass.notes(3)
    assert np.array_equal(resumed.piece.chorale.pitch[20:], piece.chorale.pitch[20:])


def test_a_resumed_piece_can_be_changed_and_written(made, tmp_path):
    resumed = live(made)
    changed = resumed.replace("2", [(0, 8, 71), (8, 8, 74)])
    assert [tuple(note) for note in changed.chorale.notes(0)] == [(0, 8, 71), (8, 8, 74)]
    resumed.piece.write(tmp_path / "out.mid")
    assert np.array_equal(musicae.read(tmp_path / "out.mid").pitch, resumed.piece.chorale.pitch)


def broken():
    """A piece in which soprano and bass go in parallel octaves from bar 3 to bar 4."""
    piece = musicae.harmonize(MELODY, key="G major")[0]
    pitch, onset = piece.chorale.pitch.copy(), piece.chorale.onset.copy()
    for step in (36, 40):
        pitch[step : step + 4, 3] = pitch[step, 0] - 24
        onset[step : step + 4, 3] = False
        onset[step, 3] = True
    onset[44, 3] = True
    chorale = Chorale(pitch, onset, key=Key(1))
    return musicae.LiveHarmonizer.resume(task(), chorale, piece.plan)


def test_a_violation_is_repaired_and_locks_stay():
    resumed = broken()
    before = resumed.piece.report().violations
    octaves = next(v for v in before if v.rule == "parallel octaves" and v.step == 40)
    changed = resumed.mend(octaves)
    assert changed is not None
    assert changed == resumed.mend(octaves)
    resumed.take(changed)
    after = resumed.piece.report().violations
    assert len(after) < len(before)
    assert not any(v.rule == octaves.rule and v.since <= 40 and v.step >= 36 for v in after)

    again = broken()
    locked = np.ones(again.piece.chorale.pitch.shape, dtype=np.bool_)
    stuck = musicae.LiveHarmonizer.resume(task(), again.piece.chorale, again.piece.plan, locked)
    assert stuck.mend(octaves) is None
    with pytest.raises(ChoraleError, match="is not in the piece"):
        stuck.mend(Violation("spacing", 500, 500, 32, 1.0, (0, 1), ("G4", "C3")))


def test_contradictory_arguments_are_refused(made):
    go_on = musicae.LiveHarmonizer.resume
    longer = Chorale.from_notes([[(4 * i, 4, p) for i, p in enumerate(TUNE * 3)]])
    with pytest.raises(ChoraleError, match="do not have the same bars"):
        go_on(task(longer), made.chorale, made.plan)
    with pytest.raises(ChoraleError, match="the same beats or key"):
        go_on(task(key="D major"), made.chorale, made.plan)
    with pytest.raises(ChoraleError, match="locked has the shape"):
        go_on(task(), made.chorale, made.plan, np.zeros((3, 4), dtype=np.bool_))
    with pytest.raises(ChoraleError, match="bars does not go with"):
        go_on(task(made.chorale, bars="2"), made.chorale, made.plan)
    with pytest.raises(CheckpointError, match="does not write around given notes"):
        go_on(task(model="minibach"), made.chorale, made.plan)
    with pytest.raises(ChoraleError, match="bars 9 to 9 are not all"):
        live(made).rewrite("9")
    for numbers in ({"n": 0}, {"n": 1001}, {"seed": -1}):
        with pytest.raises(ChoraleError):
            live(made).rewrite("2", **numbers)


class StoppedError(Exception):
    pass


def test_progress_is_reported_and_the_callback_can_stop_it(made):
    resumed = live(made)
    told = []
    with reporting(lambda done, of: told.append((done, of))):
        resumed.rewrite("3", n=3)
    assert {of for _, of in told} == {1000}
    assert all(a <= b for (a, _), (b, _) in pairwise(told))
    assert len({done for done, _ in told}) > 10

    calls = []

    def stop(done, _):
        calls.append(done)
        if done > 500:
            raise StoppedError

    with pytest.raises(StoppedError), reporting(stop):
        resumed.rewrite(n=4)  # threads share the drafts
    assert sum(done > 500 for done in calls) == 1
    assert resumed.piece.chorale == made.chorale
