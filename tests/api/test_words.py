"""Words under all voices of a harmonization: from MusicXML, MIDI, karaoke and text files."""

from __future__ import annotations

from pathlib import Path

import mido
import music21
import pytest

import musicae
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError
from tests.support.scores import bar, note, score


def lyric(text: str, syllabic: str = "single", number: int = 1, extra: str = "") -> str:
    said = f"<syllabic>{syllabic}</syllabic><text>{text}</text>{extra}"
    return f'<lyric number="{number}">{said}</lyric>'


HYMN = score(
    Melody=[
        bar(
            note("G4", 24, lyric("Praise") + lyric("Ho", "begin", 2)),
            note("A4", 24, lyric("God") + lyric("ly", "end", 2)),
            note("B4", 24, lyric("glo", "begin", extra="<extend/>") + lyric("Son", "single", 2)),
            note("C5", 24),
            key=1,
        ),
        bar(
            note("D5", 48, lyric("ry", "end") + lyric("and", "single", 2)),
            note("B4", 48, lyric("a-men") + lyric("Ghost", "single", 2)),
        ),
    ]
)
FIRST = ["Praise", "God", "glo", "ry", "a-men"]
SECOND = ["Ho", "ly", "Son", "and", "Ghost"]
TUNE = [(67, 4), (69, 4), (71, 8), (72, 8), (71, 8)]


@pytest.fixture(scope="module")
def hymn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "hymn.musicxml"
    path.write_text(HYMN)
    return path


@pytest.fixture(scope="module")
def sung(hymn: Path) -> musicae.Piece:
    return musicae.harmonize(hymn)[0]


def by_part(path: Path, verse: int = 1) -> dict[str, list[str]]:
    """The syllables of each part as music21 reads them."""
    found = {}
    for part in music21.converter.parse(path).parts:
        lyrics = [lyric for n in part.flatten().notes for lyric in n.lyrics]
        found[part.partName] = [lyric.text for lyric in lyrics if lyric.number == verse]
    return found


def midi_tune(path: Path, events: list[tuple[int, mido.MetaMessage]]) -> Path:
    """``TUNE`` at 480 ticks a quarter, with other events by tick."""
    timed = list(events)
    now = 0
    for pitch, sixteenths in TUNE:
        timed.append((now, mido.Message("note_on", note=pitch, velocity=80)))
        now += 120 * sixteenths
        timed.append((now, mido.Message("note_off", note=pitch)))
    track = mido.MidiTrack()
    before = 0
    for tick, message in sorted(timed, key=lambda one: (one[0], one[1].type != "note_off")):
        track.append(message.copy(time=tick - before))
        before = tick
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)
    return path


ONSETS = [0, 480, 960, 1920, 2880]


def test_both_verses_stand_under_all_voices(sung: musicae.Piece, tmp_path: Path) -> None:
    path = tmp_path / "out.musicxml"
    sung.write(path)
    first, second = by_part(path), by_part(path, 2)
    assert list(first) == ["Melody", "Alto", "Tenor", "Bass"]
    assert all(syllables == FIRST for syllables in first.values())
    assert all(syllables == SECOND for syllables in second.values())


def test_the_melody_keeps_its_lyrics_element_for_element(
    sung: musicae.Piece, tmp_path: Path
) -> None:
    path = tmp_path / "out.musicxml"
    sung.write(path)
    assert path.read_text().count("<extend") >= 1
    assert [v.number for v in sung.words.voices[0]] == ["1", "2"]


def test_midi_has_lyrics_in_the_track_of_each_voice(sung: musicae.Piece, tmp_path: Path) -> None:
    path = tmp_path / "out.mid"
    sung.write(path)
    with_words = [
        [message.text for message in track if message.type == "lyrics"]
        for track in mido.MidiFile(path).tracks
    ]
    assert [w for w in with_words if w] == [["Praise", "God", "glo-", "ry", "a-men"]] * 4


def test_every_voice_sings_on_the_soprano_s_syllables(sung: musicae.Piece) -> None:
    steps = [s.step for s in sung.words.voices[0][0].syllables]
    for voice in range(len(VOICES)):
        assert [s.step for s in sung.words.voices[voice][0].syllables] == steps
        assert set(steps) <= {n.step for n in sung.chorale.notes(voice)}


@pytest.mark.parametrize(("words", "parts"), [("soprano", 1), ("none", 0)])
def test_words_can_be_left_out(hymn: Path, tmp_path: Path, words: str, parts: int) -> None:
    path = tmp_path / "out.musicxml"
    musicae.harmonize(hymn, words=words)[0].write(path)
    assert sum(bool(found) for found in by_part(path).values()) == parts


def test_lyric_events_of_a_midi_file_are_sung_by_all(tmp_path: Path) -> None:
    texts = ["Praise ", "God ", "glo-", "ry ", "amen"]
    lyrics = [
        (tick, mido.MetaMessage("lyrics", text=text))
        for tick, text in zip(ONSETS, texts, strict=True)
    ]
    path = midi_tune(tmp_path / "tune.mid", lyrics)
    (piece,) = musicae.harmonize(path)
    for voice in range(len(VOICES)):
        (verse,) = piece.words.voices[voice]
        assert [s.text for s in verse.syllables] == ["Praise", "God", "glo", "ry", "amen"]
        assert [s.ends for s in verse.syllables] == [True, True, False, True, True]


def test_karaoke_texts_are_words(tmp_path: Path) -> None:
    texts = ["\\Praise", " God", "/glo", "ry", " amen"]
    lines = [(0, mido.MetaMessage("text", text="@KMIDI KARAOKE FILE"))]
    lines += [
        (tick, mido.MetaMessage("text", text=text))
        for tick, text in zip(ONSETS, texts, strict=True)
    ]
    (piece,) = musicae.harmonize(midi_tune(tmp_path / "tune.kar", lines))
    (verse,) = piece.words.voices[3]
    assert [s.text for s in verse.syllables] == ["Praise", "God", "glo", "ry", "amen"]


def test_words_of_a_text_file_replace_those_of_the_melody(hymn: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Sing un-to _ the Lord")
    (piece,) = musicae.harmonize(hymn, words=words)
    assert any("replace those in the melody's file" in notice for notice in piece.notices)
    piece.write(tmp_path / "out.musicxml")
    found = by_part(tmp_path / "out.musicxml")
    assert set(map(tuple, found.values())) == {("Sing", "un", "to", "the", "Lord")}


def test_the_words_of_a_given_bass_rule(tmp_path: Path) -> None:
    path = tmp_path / "bass.musicxml"
    notes = [note(name, 48, lyric(text)) for name, text in (("G3", "Praise"), ("D3", "God"))]
    path.write_text(score(Bass=[bar(*notes, key=1), bar(note("G2", 96, lyric("now")))]))
    (piece,) = musicae.harmonize(path)
    assert [s.text for s in piece.words.voices[0][0].syllables] == ["Praise", "God", "now"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one two three four five six seven", "none are left from 'seven' on"),
        ("", "has no words"),
    ],
)
def test_words_that_do_not_fit_are_one_line(
    hymn: Path, tmp_path: Path, text: str, message: str
) -> None:
    words = tmp_path / "words.txt"
    words.write_text(text)
    with pytest.raises(ChoraleError, match=message) as raised:
        musicae.harmonize(hymn, words=words)
    assert "\n" not in str(raised.value)
