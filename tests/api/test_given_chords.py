"""Chords that a musician gives sound where they are given, with the shipped harmonizer."""

import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.io.chord_text import placed_chords
from musicae.theory.chord_symbols import read_symbol
from tests.support.midifiles import meta, save
from tests.support.midifiles import tune as midi_tune
from tests.support.passages import midi
from tests.support.scores import bar, note, score


def tune(names: str, **facts: object) -> Chorale:
    notes = [(4 * i, 4, midi(name)) for i, name in enumerate(names.split())]
    return Chorale.from_notes([notes], **facts)


MELODY = tune("G4 A4 B4 G4 C5 B4 A4 F#4 G4 B4 D5 C5 B4 A4 G4 G4", key=Key(1))


def sounding(piece: musicae.Piece, step: int) -> set[int]:
    now = piece.chorale.pitch[step].astype(int)
    return set((now[now != REST] % 12).tolist())


def bass(piece: musicae.Piece, step: int) -> int:
    return int(piece.chorale.pitch[step, 3]) % 12


def whole(piece: musicae.Piece, chords: str, without: tuple[int, ...] = ()) -> None:
    """Each chord sounds complete over its bass, except members of the degrees in ``without``."""
    for placed in placed_chords(chords, piece.chorale):
        symbol = read_symbol(placed.text)
        asked = {
            each
            for each, member in zip(symbol.classes, symbol.members, strict=True)
            if member.degree not in without
        }
        assert asked <= sounding(piece, placed.start), placed
        assert bass(piece, placed.start) == symbol.bass, placed


@pytest.mark.parametrize("settings", [{}, {"style": "hymn", "rules": "off", "seed": 5}])
def test_each_chord_sounds_over_its_bass(settings: dict) -> None:
    chords = "G D/F# Em:2 | Am D7:2 D7/C:1 | G/B G G/D C/E | G/D D G:2"
    (piece,) = musicae.harmonize(MELODY, chords=chords, **settings)
    whole(piece, chords, without=(5,))
    assert [n.pitch for n in piece.chorale.notes(0)] == [n.pitch for n in MELODY.notes(0)]
    assert piece.provenance["chords"] == chords
    assert piece.plan is not None
    assert piece.plan.symbols()[:4] == ("G", "D/F#", "Em", "Em")


def test_chords_outside_the_planners_vocabulary_sound_too() -> None:
    chords = "Gsus4 G | Am9 D7sus4 | Gmaj7 C6 | Cadd9 G"
    (piece,) = musicae.harmonize(MELODY, chords=chords)
    whole(piece, chords, without=(5, 9, 6))
    notes = [n for n in piece.notices if "fit into the voices" in n]
    assert len(notes) <= 1


def test_a_notice_names_members_that_four_voices_cannot_hold() -> None:
    (piece,) = musicae.harmonize(tune("E4 F4 D4 C4"), chords="C9:1 F:1 G7:1 C:1", key="C major")
    whole(piece, "C9:1 F:1 G7:1 C:1", without=(5,))
    (notice,) = piece.notices
    assert notice == "not all notes of the chords fit into the voices: C9 without 5 (bar 1)"


def test_the_melody_stays_if_it_contradicts_a_chord() -> None:
    melody = tune("E4 F#4 D4 C4 A4 G4 G4 G4", key=Key(0))
    (piece,) = musicae.harmonize(melody, chords="C:1 G7:1 G:1 C:1 | C:2 C:2")
    # The A is an appoggiatura: it falls by step while the chord lasts.
    assert piece.notices[0] == (
        "given notes that are not in the given chord stay: bar 1, beat 2 (soprano F# over G7)"
    )
    assert {7, 11, 5} <= sounding(piece, 4)
    assert {0, 4, 7} <= sounding(piece, 16)


def test_chords_of_some_bars_and_the_rest_is_planned() -> None:
    free, given = (musicae.harmonize(MELODY, chords=c)[0] for c in (None, "2: Em Bm7"))
    assert given.plan is not None
    assert given.plan.symbols()[4:8] == ("Em", "Em", "Bm7", "Bm7")
    assert {4, 7, 11} <= sounding(given, 16)
    assert given.plan.symbols()[-1] == "G"
    assert free.plan is not None
    assert free.plan.symbols()[4:8] != given.plan.symbols()[4:8]
    same = musicae.harmonize(MELODY, chords="? | ? | ? | ?")[0]
    assert same.chorale.pitch.tolist() == free.chorale.pitch.tolist()


def test_voices_rest_where_there_is_no_chord() -> None:
    (piece,) = musicae.harmonize(MELODY, chords="G | N.C. | G | D7 G")
    assert (piece.chorale.pitch[16:32, 1:] == REST).all()
    assert (piece.chorale.pitch[16:32, 0] != REST).all()
    assert {7, 11, 2} <= sounding(piece, 32)
    with pytest.raises(ChoraleError, match="nothing is left to fill"):
        musicae.harmonize(MELODY, chords="N.C. | N.C. | N.C. | N.C.")


def test_numerals_are_read_in_the_key() -> None:
    (piece,) = musicae.harmonize(MELODY, chords="I V6 vi:2 | ii V7:3 | I | V7 I", key="G major")
    whole(piece, "G D/F# Em:2 | Am D7:3 | G | D7 G", without=(5,))


def test_german_names() -> None:
    chords = "G | H7 Em | G | D7 G"
    (piece,) = musicae.harmonize(MELODY, chords=chords)
    assert {11, 3, 9} <= sounding(piece, 16)
    with_b = musicae.harmonize(MELODY, chords="G | Hm B | G | D7 G")[0]
    assert bass(with_b, 24) == 10


def test_alternatives_are_other_voicings_of_the_chords() -> None:
    chords = "G Em | C D | G | D7 G"
    pieces = musicae.harmonize(MELODY, 3, chords=chords)
    for piece in pieces:
        whole(piece, chords, without=(5,))
    assert len({piece.chorale.pitch.tobytes() for piece in pieces}) == 3


def test_a_given_bass_goes_before_the_bass_of_a_chord() -> None:
    line = tune("G3 B2 C3 D3", key=Key(1))
    (piece,) = musicae.harmonize(line, chords="G:1 G/D:1 C:1 D7:1", voice="bass")
    assert piece.notices[-1] == (
        "the given bass replaces the bass of the chord: bar 1, beat 2 (B under G/D)"
    )
    for step, classes in ((0, {7, 11, 2}), (4, {7, 11, 2}), (8, {0, 4, 7}), (12, {2, 6, 0})):
        assert classes <= sounding(piece, step)
    assert [n.pitch for n in piece.chorale.notes(3)] == [n.pitch for n in line.notes(0)]


def test_bars_around_those_that_are_written_keep_their_notes() -> None:
    (first,) = musicae.harmonize(MELODY, chords="G D | C D | G | D7 G")
    (piece,) = musicae.harmonize(first.chorale, bars="2-2", chords="G | Am9 D7 | C | D7 G")
    assert (piece.chorale.pitch[:16] == first.chorale.pitch[:16]).all()
    assert {9, 0, 7, 11} <= sounding(piece, 16)
    assert any("without effect" in notice for notice in piece.notices)


def test_chords_after_a_long_silence() -> None:
    notes = [(460 + 4 * i, 4, pitch) for i, pitch in enumerate((67, 69, 71, 67))]
    music = Chorale.from_notes([[(0, 4, 67), *notes]])
    late = music.position(460)[0]
    chords = f"1: G C:2 | {late}: G ? | {late + 1}: Em"
    (piece,) = musicae.harmonize(music, chords=chords)
    step = next(c.start for c in placed_chords(chords, music) if c.text == "Em")
    assert {4, 7, 11} <= sounding(piece, step)


def test_a_pickup_and_dotted_beats() -> None:
    notes = [(0, 2, 62), (2, 6, 67), (8, 6, 71), (14, 12, 67)]
    music = Chorale.from_notes([notes], meters=(Meter(0, 6, 8),), pickup=2, key=Key(1))
    (piece,) = musicae.harmonize(music, chords="0: D7 | G D/F# | G")
    whole(piece, "0: D7 | G D/F# | G", without=(5,))


def harmony(root: str, kind: str) -> str:
    return f"<harmony><root><root-step>{root}</root-step></root><kind>{kind}</kind></harmony>"


def test_chord_symbols_of_a_score_are_followed_unasked(tmp_path) -> None:
    path = tmp_path / "tune.musicxml"
    music = [
        bar(harmony("G", "major"), note("G4", 48), harmony("D", "dominant"), note("A4", 48), key=1),
        bar(harmony("G", "Tristan"), note("B4", 48), harmony("G", "major"), note("G4", 48)),
    ]
    path.write_text(score(Melody=music), encoding="utf-8")
    (piece,) = musicae.harmonize(path)
    whole(piece, "G D7", without=(5,))
    assert "the file's 4 chord symbols are followed (--chords none ignores them)" in piece.notices
    assert "chord symbols that cannot be read are left out: GTristan (bar 2)" in piece.notices
    (other,) = musicae.harmonize(path, chords="none")
    assert not any("chord symbols" in notice for notice in other.notices)
    (minibach,) = musicae.harmonize(MELODY, model="minibach")
    assert not minibach.notices
    out = tmp_path / "out.musicxml"
    piece.write(out)
    assert out.read_text(encoding="utf-8").count("<harmony") == 4


def test_chords_of_a_midi_file_are_followed_on_request(tmp_path) -> None:
    notes = [(480 * i, 480 * (i + 1), 60 + p) for i, p in enumerate((4, 5, 7, 5, 2, 5, 4, 0))]
    marks = [meta(960 * i, "marker", text=t) for i, t in enumerate(("C", "F/A", "G7/B", "C"))]
    path = save(tmp_path / "tune.mid", marks, midi_tune(*notes))
    (piece,) = musicae.harmonize(path, chords="file")
    assert [bass(piece, step) for step in (0, 8, 16, 24)] == [0, 9, 11, 0]
    bare = save(tmp_path / "bare.mid", midi_tune(*notes))
    with pytest.raises(ChoraleError, match=r"bare\.mid: has no chords"):
        musicae.harmonize(bare, chords="file")


def test_chords_of_a_text_file(tmp_path) -> None:
    path = tmp_path / "chords.txt"
    path.write_text("# Verse\nG D | C D\nG | D7 G\n", encoding="utf-8")
    for wish in (path, str(path)):
        (piece,) = musicae.harmonize(MELODY, chords=wish)
        whole(piece, "G D | C D | G | D7 G", without=(5,))
    path.write_text("G | Foo", encoding="utf-8")
    with pytest.raises(ChoraleError, match=r"chords\.txt: chords of bar 2: 'Foo' is not a chord"):
        musicae.harmonize(MELODY, chords=path)
    with pytest.raises(ChoraleError, match=r"none\.cho: no such file"):
        musicae.harmonize(MELODY, chords="none.cho")


def test_models_that_cannot_follow_chords_say_so() -> None:
    with pytest.raises(MusicaeError, match="cannot follow given chords"):
        musicae.harmonize(MELODY, chords="G", model="minibach")
    with pytest.raises(ChoraleError, match="needs a melody from a file"):
        musicae.harmonize(MELODY, chords="file")


def test_the_same_seed_gives_the_same_notes() -> None:
    one, other = (musicae.harmonize(MELODY, chords="G Em7 | C9 D7")[0] for _ in range(2))
    assert one.chorale == other.chorale
