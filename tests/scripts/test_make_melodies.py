"""The example melodies are made from typed text, and a mistyped bar is refused."""

import importlib.util
import sys
from fractions import Fraction
from io import BytesIO

import mido
import pytest

from tests.support.paths import ROOT

COMMITTED = ROOT / "data" / "melodies"


def load_script():
    spec = importlib.util.spec_from_file_location(
        "make_melodies", ROOT / "scripts" / "make_melodies.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


script = load_script()
EVERY_MELODY = pytest.mark.parametrize("melody", script.MELODIES, ids=lambda melody: melody.name)


def read(melody):
    return mido.MidiFile(file=BytesIO(script.to_midi(melody)))


def timed(midi):
    """All messages of all tracks, with their ticks."""
    messages = []
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            messages.append((tick, message))
    return messages


def sounding(midi):
    """The notes as (on, off, pitch) in ticks; each note-on has its own note-off."""
    notes, open_notes = [], {}
    for tick, message in timed(midi):
        if message.type == "note_on":
            assert message.note not in open_notes
            open_notes[message.note] = tick
        elif message.type == "note_off":
            notes.append((open_notes.pop(message.note), tick, message.note))
    assert not open_notes
    return sorted(notes)


def test_committed_files_are_what_the_script_makes(tmp_path):
    made = {path.name: path.read_bytes() for path in script.make(tmp_path)}
    assert [name for name in made if made[name] != (COMMITTED / name).read_bytes()] == []
    assert [path.name for path in COMMITTED.glob("*.mid") if path.name not in made] == []


@EVERY_MELODY
def test_the_file_has_the_typed_notes(melody):
    score = script.parse(melody.notation)
    notes = sounding(read(melody))
    assert [pitch for _, _, pitch in notes] == [note.pitch for note in score.notes]
    near = 0 if melody.played is None else script.JITTER
    for (on, off, _), note in zip(notes, score.notes, strict=True):
        assert abs(on - note.start * melody.ppq) <= near
        assert off - on > note.length * melody.ppq / 2


@EVERY_MELODY
def test_bar_lines_in_the_file_stand_where_they_are_typed(melody):
    score = script.parse(melody.notation)
    meters = {
        tick: (message.numerator, message.denominator)
        for tick, message in timed(read(melody))
        if message.type == "time_signature"
    }
    bar_lines, tick = [], 0
    while tick < score.length * melody.ppq:
        bar_lines.append(tick)
        numerator, denominator = meters[max(at for at in meters if at <= tick)]
        tick += 4 * numerator * melody.ppq // denominator
    assert bar_lines == [bar.start * melody.ppq for bar in score.bars]


@EVERY_MELODY
def test_fermatas_and_words_stand_on_notes(melody):
    midi = read(melody)
    onsets = {on for on, _, _ in sounding(midi)}
    marked = {tick for tick, message in timed(midi) if message.type in ("marker", "lyrics")}
    assert marked <= onsets


def test_the_melodies_cover_what_a_harmonizer_meets():
    scores = {melody.name: script.parse(melody.notation) for melody in script.MELODIES}
    bars = [bar for score in scores.values() for bar in score.bars]
    meters = {f"{bar.numerator}/{bar.denominator}" for bar in bars}
    assert {"4/4", "3/4", "6/8", "2/2"} <= meters
    assert max(len(score.bars) for score in scores.values()) >= 48
    assert len(script.MELODIES) >= 9
    assert any(melody.key_name.endswith("minor") for melody in script.MELODIES)
    assert {melody.file_format for melody in script.MELODIES} == {0, 1}
    assert {melody.ppq for melody in script.MELODIES} == {96, 480}
    triplet = Fraction(1, 3)
    assert any(note.length == triplet for note in scores["der_lindenbaum"].notes)
    assert scores["old_hundredth"].bars[0].length == 1
    assert scores["amazing_grace"].notes[0].start == 2


def test_notation_reads_lengths_ties_and_fermatas():
    score = script.parse("3/4 q=84 r/2 d4/4 | bb4/4. a4/8 f#4/4~ | f#4/2.^")
    assert score.notes == (
        (2, 1, 62, False),
        (3, Fraction(3, 2), 70, False),
        (Fraction(9, 2), Fraction(1, 2), 69, False),
        (5, 4, 66, True),
    )
    assert score.tempos == ((0, 84),)
    assert score.length == 9


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("4/4 c4/4 d4 e4 f4 | g4/4 a4 b4", "bar 2 lasts 3 quarters; 4/4 is 4"),
        ("3/4 c4/4 d4 e4 f4", "bar 1 lasts 4 quarters; 3/4 is 3"),
        ("2/4 c4/8t d4 e4 f4/4 | g4/8t a4 b4/8 c5/4", "bar 2 lasts 13/6 quarters; 2/4 is 2"),
        ("2/4 c4/2 | | d4/2", "bar 2 lasts 0 quarters"),
        ("c4/4 d4 e4 f4", "bar 1: no meter"),
        ("4/4 c4/2 3/4 d4/2", "bar 1: '3/4' is neither a note nor a rest"),
        ("4/4 c4/2 h4", "bar 1: 'h4' is neither a note nor a rest"),
        ("4/4 c4/2 d/2", "bar 1: 'd/2' is neither a note nor a rest"),
        ("2/4 c4/2 | d4 e4", "bar 2: 'd4' is the first note and needs a length"),
        ("4/4 c4/2 d4/3", "bar 1: '/3' in 'd4/3' is not a length"),
        ("2/4 c4/4 r/5", "bar 1: '/5' in 'r/5' is not a length"),
        ("2/4 c4/2~ | d4/2", "bar 2: a note of another pitch is tied to 'd4/2'"),
        ("2/4 c4/2~ | r/2", "bar 2: a note is tied to a rest"),
        ("2/4 c4/2 | d4/2~", "bar 2: the last note is tied, but no note follows"),
    ],
)
def test_a_mistyped_bar_is_named(typed, complaint):
    with pytest.raises(script.NotationError) as refusal:
        script.parse(typed)
    assert str(refusal.value).startswith(complaint)


@EVERY_MELODY
def test_a_note_left_out_is_noticed(melody):
    bars = melody.notation.split("|")
    bars[-1] = " ".join(bars[-1].split()[:-1])
    with pytest.raises(script.NotationError, match=f"bar {len(bars)}"):
        script.parse("|".join(bars))


def test_a_note_between_ticks_is_refused():
    with pytest.raises(ValueError, match="do not fall on a tick"):
        script.to_ticks(Fraction(1, 7), 480)


def test_words_are_counted():
    short = script.Melody(
        name="short",
        title="Short",
        source="",
        key="C",
        notation="2/4 c4/4 d4",
        shows="",
        lyrics="A-",
    )
    with pytest.raises(ValueError, match="1 syllables for 2 notes"):
        script.to_midi(short)
