"""Which cells of a chorale stay and which are open: locks, bars, rests, gaps and ranges."""

import random

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import musicae
from musicae.api.given import around, given_parts, into_range, notices_of_range
from musicae.api.request import Request
from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from tests.support.filling import filled, filler, voices_only
from tests.support.passages import passage
from tests.support.strategies import chorales

# Two bars: the alto comes in after one, the tenor rests for a beat, the bass for a bar and a beat.
GRID = """
S  C5 D5 E5 F5 G5 F5 E5 D5
A  .. .. .. .. E4 F4 G4 F4
T  G3 .. G3 A3 C4 -- B3 A3
B  C3 .. .. .. .. D3 C3 C3
"""
HYMN = passage(GRID.replace("|", ""))


def request(**wishes):
    return Request.parse(**wishes)


def columns(known, voice):
    """The known quarters of a voice, one letter each: ``k`` known, ``.`` open."""
    return "".join("k" if cell else "." for cell in known.known[::4, voice])


def unless_all_is_given(piece, wish):
    """The given parts. If all cells are known, hypothesis rejects the example and takes another."""
    try:
        return given_parts(piece, wish)
    except ChoraleError as error:
        if "nothing is left to fill" not in str(error):
            raise
    return reject()


def test_the_soprano_is_known_with_its_rests_and_the_others_are_open():
    melody = passage("S C5 .. E5 --")
    known = given_parts(melody, request())
    assert [columns(known, v) for v in range(4)] == ["kkkk", "....", "....", "...."]
    assert known.tune == known.in_range == melody


def test_all_voices_rest_in_long_rests_of_the_melody_unless_given_ones_sound():
    grid = """
    S .. .. .. .. C5 .. .. .. .. D5 E5 F5
    B .. .. C3 C3 C3 .. C3 .. .. C3 C3 C3
    """
    piece = passage(grid.replace("|", ""))
    known = given_parts(piece, request(lock="soprano,bass"))
    assert columns(known, 0) == columns(known, 3) == "k" * 12
    assert columns(known, 1) == "kk..." + "k.kk" + "..."
    assert columns(given_parts(piece, request(lock="soprano")), 1) == "kkkk.kkkk..."


def test_the_melody_may_be_another_voice():
    piece = passage("B C3 .. .. .. .. D3 -- --")
    known = given_parts(piece, request(voice="bass"))
    assert columns(known, 3) == "k" * 8
    assert columns(known, 0) == ".kkkk..."


def test_gaps_of_a_bar_are_open_and_shorter_rests_stay():
    known = given_parts(HYMN, request())
    assert [columns(known, v) for v in range(4)] == ["k" * 8, "....kkkk", "k" * 8, "k....kkk"]


def test_a_rest_as_long_as_a_pickup_is_a_short_one():
    piece = Chorale.from_notes([[(0, 20, 72)], [], [], [(4, 16, 48)]], pickup=4)
    assert given_parts(piece, request()).known[:, 3].all()


def test_a_gap_that_is_the_whole_of_a_shorter_last_bar_is_open():
    piece = Chorale.from_notes([[(0, 32, 72)], [], [], [(0, 20, 48)]], pickup=4)
    assert list(np.flatnonzero(~given_parts(piece, request()).known[:, 3])) == list(range(20, 32))


def test_unlocked_voices_are_left_out():
    known = given_parts(HYMN, request(lock=("tenor",)))
    assert sounding_voices(known.tune) == (2,)
    assert known.tune.notes(2) == HYMN.notes(2)
    assert columns(known, 0) == "." * 8


def test_bars_are_opened_except_notes_that_reach_beyond_them():
    grid = """
    S C5 D5 E5 F5 G5 F5 E5 D5 C5 -- -- --
    A E4 E4 E4 E4 -- F4 F4 F4 E4 -- -- --
    T G3 G3 G3 G3 G3 G3 G3 G3 -- -- -- --
    B C3 C3 C3 C3 C3 .. C3 C3 C3 -- -- --
    """
    piece = passage(grid.replace("|", ""))
    known = given_parts(piece, request(bars="2"))
    assert columns(known, 0) == "k" * 12
    assert columns(known, 1) == "kkkk" + "k..." + "kkkk"
    assert columns(known, 2) == "kkkk" + "...k" + "kkkk"
    assert columns(known, 3) == "kkkk" + "...." + "kkkk"
    opened = given_parts(piece, request(bars="2", lock="bass"))
    assert [columns(opened, v)[4:8] for v in (0, 3)] == ["....", "kkkk"]
    assert opened.whole == piece
    assert opened.tune.notes(0) == [n for n in piece.notes(0) if not 16 <= n.step < 32]


def test_a_pickup_is_bar_0():
    piece = Chorale.from_notes([[(0, 20, 72)], [(0, 4, 60), (4, 16, 60)]], pickup=4)
    known = given_parts(piece, request(bars=(0, 0)))
    assert not known.known[:4, 1:].any()
    assert known.known[4:].all()


@settings(max_examples=60)
@given(chorales(), st.sets(st.integers(0, 3)), st.integers(0, 2**31), st.data())
def test_everything_outside_the_bars_stays(piece, locked, seed, data):
    first_number = 0 if piece.pickup else 1
    numbers = st.integers(0, len(piece.measures) - 1)
    first, last = sorted([data.draw(numbers), data.draw(numbers)])
    start = piece.measures[first].start
    stop = piece.measures[last].start + piece.measures[last].length
    locked &= set(sounding_voices(piece))
    assume(sounding_voices(piece))
    wish = Request(lock=tuple(sorted(locked)), bars=(first + first_number, last + first_number))
    known = unless_all_is_given(piece, wish)
    whole = known.around(filled(known.partial_score(), random.Random(seed)))
    outside = np.ones(len(piece), dtype=bool)
    outside[start:stop] = False
    assert np.array_equal(whole.pitch[outside], piece.pitch[outside])
    assert np.array_equal(whole.onset[outside], piece.onset[outside])
    for voice in range(4):
        kept = set(whole.notes(voice))
        for note in piece.notes(voice):
            crosses = note.step < start or note.step + note.duration > stop
            assert note in kept or not (crosses or voice in locked), (VOICES[voice], note)


@settings(max_examples=60)
@given(chorales(), st.sets(st.integers(0, 3), min_size=1), st.integers(0, 2**31))
def test_every_locked_note_stays(piece, locked, seed):
    locked &= set(sounding_voices(piece))
    assume(locked)
    known = unless_all_is_given(piece, Request(lock=tuple(sorted(locked))))
    partial = known.partial_score()
    whole = known.around(filled(partial, random.Random(seed)))
    for voice in locked:
        assert set(piece.notes(voice)) <= set(whole.notes(voice))
    assert np.array_equal(whole.pitch[known.known], known.tune.pitch[known.known])


@settings(max_examples=60)
@given(chorales(), chorales(), st.data())
def test_any_output_of_a_model_is_a_chorale_around_the_known_notes(piece, written, data):
    """Also if it begins notes in known cells, or writes pitches outside MIDI's range."""
    steps = min(len(piece), len(written))
    piece, written = (Chorale(c.pitch[:steps], c.onset[:steps]) for c in (piece, written))
    cells = data.draw(st.lists(st.booleans(), min_size=4 * steps, max_size=4 * steps))
    known = np.array(cells).reshape(steps, 4)
    for voice in range(4):
        for note in piece.notes(voice):
            span = known[note.step : note.step + note.duration, voice]
            span[:] = span.any()
    tune = Chorale(np.where(known, piece.pitch, REST), piece.onset & known)
    shift = 12 * data.draw(st.integers(-10, 10))
    whole = around(tune, known, written, shift)
    assert np.array_equal(whole.pitch[known], tune.pitch[known])
    assert np.array_equal(whole.onset[known], tune.onset[known])
    assert (
        (whole.pitch == REST) == np.where(known, tune.pitch == REST, written.pitch == REST)
    ).all()
    sounding = ~known & (written.pitch != REST)
    assert ((whole.pitch - written.pitch)[sounding] % 12 == 0).all()


@settings(max_examples=60)
@given(chorales(), st.integers(-3, 3), st.sets(st.integers(0, 3), min_size=1))
def test_other_octaves_are_brought_into_the_voices_ranges(piece, octaves, voices):
    piece = voices_only(piece, voices)
    assume(sounding_voices(piece))
    sung, shift, folded = into_range(piece.transpose(12 * octaves))
    for voice, (low, high) in enumerate(VOICE_RANGES):
        assert all(low <= note.pitch <= high for note in sung.notes(voice))
    assert np.array_equal(sung.onset, piece.onset)
    sounding = piece.pitch != REST
    assert ((sung.pitch - piece.pitch)[sounding] % 12 == 0).all()
    moved = ((sung.pitch - piece.pitch)[sounding] - shift - 12 * octaves).any()
    assert bool(folded) == bool(moved)


def test_voices_are_moved_together():
    chords = passage("S C4 D4 E4 F4\nB C1 D1 E1 F1")
    parts = given_parts(chords, request())
    assert parts.shift == 12
    assert parts.in_range == chords.transpose(12)
    assert notices_of_range(parts) == (
        "the given voices lie below their ranges; the other voices are moved down 1 octave along"
        " with them",
    )


def test_a_note_out_of_range_is_folded_for_the_model_only():
    known = given_parts(passage("B C3 C2 E3 F3 E2 D2 B1"), request(voice="bass"))
    assert known.shift == 0
    assert [n.pitch for n in known.in_range.notes(3)] == [48, 36, 52, 53, 40, 38, 47]
    assert [n.pitch for n in known.tune.notes(3)] == [48, 36, 52, 53, 40, 38, 35]
    assert notices_of_range(known) == (
        "the given bass is wider than the bass's range C2 to E4; 1 note was harmonized an octave"
        " nearer",
    )


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        ({"voice": "lead"}, "no voice is called 'lead'; there are soprano, alto, tenor, bass"),
        ({"lock": ["bass", "lead"]}, "no voice is called 'lead'"),
        ({"lock": ()}, "with no voice locked there is nothing to harmonize"),
        ({"lock": "none"}, "--lock none goes with --bars"),
        ({"voice": "bass", "bars": "1"}, "--voice keeps one part"),
        ({"bars": "five"}, "bars are written like 5-8 or 5, not 'five'"),
        ({"bars": "-3"}, "bars are written like 5-8"),
        ({"bars": "3-2"}, "bars 3 to 2 are not all in the piece, which has 2 bars"),
        ({"bars": (2, 3)}, "bars 2 to 3 are not all in the piece, which has 2 bars"),
        ({"bars": "1", "lock": list(VOICES)}, "in bars 1 to 1 every voice is locked"),
    ],
)
def test_impossible_requests_are_refused(wishes, complaint):
    piece = passage(
        "S C5 -- -- -- C5 -- -- --\nA E4 -- -- -- E4 -- -- --\n"
        "T G3 -- -- -- G3 -- -- --\nB C3 -- -- -- C3 -- -- --"
    )
    with pytest.raises(ChoraleError) as refusal:
        given_parts(piece, Request.parse(**wishes))
    assert complaint in str(refusal.value)


def test_a_silent_voice_cannot_be_locked():
    with pytest.raises(ChoraleError, match="the bass is silent; there are soprano"):
        given_parts(passage("S C5"), request(lock="soprano, bass"))
    with pytest.raises(ChoraleError, match="nothing sounds"):
        given_parts(Chorale.from_notes([[]], steps=4), request())


def test_the_key_is_the_musicians_or_that_of_the_notes():
    tune = passage("S G4 A4 B4 C5 D5 C5 B4 A4 G4 -- F#4 G4")
    assert given_parts(tune, request()).partial_score().key == Key.parse("G")
    asked = given_parts(tune, request(), Key.parse("E minor"))
    assert asked.partial_score().key == asked.tune.key == Key.parse("E minor")


# Through the public API


@pytest.fixture(scope="module")
def model(untrained):
    return str(untrained["minibach"])


def test_a_chorale_keeps_the_voices_it_has(model):
    two = voices_only(HYMN, (0, 3))
    with filler():
        (piece,) = musicae.harmonize(two, model=model, seed=2)
    assert piece.chorale.notes(0) == two.notes(0)
    assert set(two.notes(3)) <= set(piece.chorale.notes(3))
    assert piece.chorale.notes(1)


def test_the_soprano_of_a_finished_chorale_is_harmonized(model):
    with filler():
        (piece,) = musicae.harmonize(HYMN, model=model)
    assert not set(HYMN.notes(2)) & set(piece.chorale.notes(2))
    assert "voice" not in piece.provenance


def test_provenance_records_the_request(model):
    with filler():
        (piece,) = musicae.harmonize(
            HYMN, model=model, lock=("Bass", "soprano"), bars=(2, 2), phrases="none", rhythm="plain"
        )
    facts = piece.provenance
    assert (facts["lock"], facts["bars"]) == (["soprano", "bass"], "2")
    assert (facts["phrases"], facts["rhythm"], facts["key"]) == ("none", "plain", "C major")
    assert np.array_equal(piece.chorale.pitch[:16], HYMN.pitch[:16])


def test_two_named_parts_of_a_score_are_given(model, tmp_path):
    path = tmp_path / "two.musicxml"
    musicae.write(voices_only(HYMN, (1, 2)), path)
    with filler():
        (piece,) = musicae.harmonize(path, model=model)
    for voice in (1, 2):
        assert set(HYMN.notes(voice)) <= set(piece.chorale.notes(voice))
    assert piece.chorale.notes(0)
    assert piece.chorale.notes(3)


def test_a_score_with_a_single_part_can_be_any_voice(model, tmp_path):
    path = tmp_path / "bass.musicxml"
    musicae.write(passage("S C3 F3 G3 C3"), path)
    with filler():
        (piece,) = musicae.harmonize(path, model=model, voice="bass")
    assert [n.pitch for n in piece.chorale.notes(3)] == [48, 53, 55, 48]


def test_a_finished_score_leaves_nothing_to_fill(model, tmp_path):
    path = tmp_path / "hymn.musicxml"
    piece = passage("S C5 D5\nA E4 F4\nT G3 A3\nB C3 D3")
    musicae.write(piece, path)
    with pytest.raises(ChoraleError, match=r"hymn.musicxml: all four .* \(--voice soprano\)"):
        musicae.harmonize(path, model=model)
    with pytest.raises(ChoraleError, match="track and meter go with a file"):
        musicae.harmonize(piece, model=model, track="1")
    with filler():
        (below,) = musicae.harmonize(path, model=model, track="1")
        assert below.chorale.notes(0) == piece.notes(0)
        musicae.harmonize(path, model=model, voice="soprano")
        (again,) = musicae.harmonize(path, model=model, bars="1", lock="none")
    assert again.chorale != piece


def test_bars_of_other_meters_are_counted(model):
    steps = 12 + 8 + 12
    piece = Chorale.from_notes(
        [[(4 * i, 4, low + 10) for i in range(steps // 4)] for low, _ in VOICE_RANGES],
        meters=[Meter(0, 3, 4), Meter(12, 2, 4), Meter(20, 3, 4)],
    )
    with filler(pitches=[low + 3 for low, _ in VOICE_RANGES]):
        (again,) = musicae.harmonize(piece, model=model, bars="2")
    changed = np.flatnonzero((again.chorale.pitch != piece.pitch).any(axis=1))
    assert list(changed) == list(range(12, 20))
