"""Closed scores: two voices on a staff are read as the voices of a choir."""

import pytest

import musicae
from musicae.core.errors import ChoraleError
from musicae.corpus.build import build_from_folder
from musicae.io.closed_score import voices_in
from musicae.io.musicxml_reader import read
from tests.support.filling import filler
from tests.support.scores import bar, note, score

HALVES = (("E5", "C5", "G3", "C3"), ("D5", "B4", "G3", "G2"))


def two_voices(upper, lower, voices=("1", "2"), staff="", stems=True):
    """A bar of two lines of half notes."""
    placed = [
        "".join(
            note(
                name,
                48,
                f"<voice>{voice}</voice>"
                + f"<stem>{stem}</stem>" * stems
                + f"<staff>{staff}</staff>" * bool(staff),
            )
            for name in line
        )
        for line, voice, stem in zip((upper, lower), voices, ("up", "down"), strict=True)
    ]
    return "<backup><duration>96</duration></backup>".join(placed)


def chords(upper, lower):
    """A bar of chords of two notes in one voice."""
    return "".join(
        note(high, 48) + note(low, 48, before="<chord/>")
        for high, low in zip(upper, lower, strict=True)
    )


def lines(voice):
    return [half[voice] for half in HALVES]


TREBLE = two_voices(lines(0), lines(1))
BASS = two_voices(lines(2), lines(3))
BACK = "<backup><duration>96</duration></backup>"
CLOSED = {
    "two parts": score(**{"": [bar(TREBLE)], " ": [bar(BASS)]}),
    "named pairs": score(**{"Soprano/Alto": [bar(TREBLE)], "Tenor/Bass": [bar(BASS)]}),
    "letters": score(SA=[bar(TREBLE)], TB=[bar(BASS)]),
    "women and men": score(Women=[bar(TREBLE)], Men=[bar(BASS)]),
    "a piano part": score(
        Piano=[
            bar(
                two_voices(lines(0), lines(1), staff="1"),
                BACK,
                two_voices(lines(2), lines(3), ("5", "6"), staff="2"),
                extra="<staves>2</staves>",
            )
        ]
    ),
    "chords": score(
        **{"": [bar(chords(lines(0), lines(1)))], " ": [bar(chords(lines(2), lines(3)))]}
    ),
    "stems without voices": score(
        **{"": [bar(two_voices(lines(0), lines(1), ("1", "1")))], " ": [bar(BASS)]}
    ),
    "two parts of one staff": score(
        SA=[bar(TREBLE)],
        Tenor=[bar(*(note(n, 48) for n in lines(2)))],
        Bass=[bar(*(note(n, 48) for n in lines(3)))],
    ),
}
PITCHES = [[76, 74], [72, 71], [55, 55], [48, 43]]


@pytest.fixture
def path(tmp_path):
    def save(text):
        (tmp_path / "hymn.musicxml").write_text(text)
        return tmp_path / "hymn.musicxml"

    return save


def sung(chorale):
    return [[n.pitch for n in chorale.notes(v)] for v in range(4)]


@pytest.mark.parametrize("kind", CLOSED)
def test_reading_checking_and_recomposing_find_the_four_voices(path, untrained, kind):
    hymn = path(CLOSED[kind])
    assert sung(read(hymn)) == PITCHES
    assert sung(musicae.check(hymn).chorale) == PITCHES
    with filler():
        (piece,) = musicae.harmonize(hymn, bars="1", model=str(untrained["minibach"]))
    assert sung(piece.chorale)[0] == PITCHES[0]
    out = hymn.with_name("again.musicxml")
    piece.write(out)
    again = read(out)
    assert [again.notes(v) for v in range(4)] == [piece.chorale.notes(v) for v in range(4)]


@pytest.mark.parametrize("kind", CLOSED)
def test_the_soprano_of_a_closed_score_can_be_harmonized_again(path, untrained, kind):
    hymn = path(CLOSED[kind])
    with filler():
        (piece,) = musicae.harmonize(hymn, voice="soprano", model=str(untrained["minibach"]))
    piece.write(hymn.with_name("again.musicxml"))
    again = read(hymn.with_name("again.musicxml"))
    assert sung(again)[0] == PITCHES[0]
    assert [again.notes(v) for v in range(4)] == [piece.chorale.notes(v) for v in range(4)]


def test_a_corpus_is_built_of_closed_scores(tmp_path):
    hymns = [CLOSED["a piano part"], CLOSED["two parts"].replace("<octave>5", "<octave>4")]
    for number, text in enumerate(hymns):
        (tmp_path / f"{number}.musicxml").write_text(text)
    built = build_from_folder(tmp_path, workers=1)
    assert built.files == ("0.musicxml", "1.musicxml")
    assert sung(built.chorales[0]) == PITCHES


def test_in_a_bar_of_one_voice_chords_are_both_and_single_notes_a_unison(path):
    treble = [bar(TREBLE), bar(note("C5", 48), note("E5", 48), note("C5", 48, before="<chord/>"))]
    text = score(**{"": treble, " ": [bar(BASS), bar(BASS)]})
    assert sung(read(path(text)))[:2] == [[76, 74, 72, 76], [72, 71, 72, 72]]


def test_voices_that_rest_are_not_in_unison(path):
    alone = note("C5", 96, "<voice>1</voice>") + BACK
    alone += "<note><rest/><duration>96</duration><voice>2</voice></note>"
    text = score(**{"": [bar(TREBLE), bar(alone)], " ": [bar(BASS), bar(BASS)]})
    assert sung(read(path(text)))[1] == [72, 71]


@pytest.mark.parametrize("right", [("C5", "E5"), ("C5", "E5", "G5")])
def test_a_piano_is_no_choir(path, untrained, right):
    """One hand plays single notes, or chords of three."""
    first, *others = right
    chord = note(first, 96, "<staff>1</staff>") + "".join(
        note(n, 96, "<staff>1</staff>", before="<chord/>") for n in others
    )
    left = note("C3", 96, "<voice>5</voice><staff>2</staff>")
    hymn = path(score(Piano=[bar(chord, BACK, left, extra="<staves>2</staves>")]))
    with filler():
        (piece,) = musicae.harmonize(hymn, model=str(untrained["minibach"]))
    assert [n.pitch for n in piece.chorale.notes(0)] == [{2: 76, 3: 79}[len(right)]]


@pytest.mark.parametrize(
    ("name", "voices"),
    [
        ("Soprano / Alto", (0, 1)),
        ("Soprano\nAlto", (0, 1)),
        ("Sopran und Alt", (0, 1)),
        ("T. B.", (2, 3)),
        ("SA", (0, 1)),
        ("Men", (2, 3)),
        ("Soprano 1", (0,)),
        ("Bass", (3,)),
        ("Alto sax", ()),
        ("Bass Tenor", (3,)),
        ("Salt", ()),
        ("", ()),
    ],
)
def test_the_voices_that_a_name_holds(name, voices):
    assert voices_in(name) == voices


def test_three_notes_on_a_named_pair_are_refused(path):
    three = note("E5", 96) + "".join(note(n, 96, before="<chord/>") for n in ("C5", "G4"))
    text = score(Women=[bar(three)], Men=[bar(BASS)])
    with pytest.raises(ChoraleError, match=r"hymn\.musicxml: "):
        musicae.check(path(text))
