"""A choir's kit has all its files, sounds as it should, and is written whole or not at all."""

import json
import re
from math import sqrt

import mido
import numpy as np
import pytest
import soundfile

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.meter import Tempo
from musicae.daw import practice as kits
from musicae.io import formats
from musicae.rendering.audio import SAMPLE_RATE
from musicae.rendering.mixing import TAIL
from tests.support.choirs import without_sound
from tests.support.midifiles import save, tune

CHORDS = [(67, 62, 59, 43), (66, 62, 57, 50), (67, 64, 60, 48), (67, 62, 59, 43)]
HYMN = Chorale.from_notes(
    [[(8 * k, 8, chord[v]) for k, chord in enumerate(CHORDS)] for v in range(4)],
    tempos=(Tempo(0, 240),),
    title="Amen",
)
"""Two bars of two half notes, a second each; the count-in is a second too."""
BAR = 1.0
"""Seconds of a bar at the hymn's own tempo."""
KINDS = ("front", "alone", "without")


@pytest.fixture(scope="module")
def hymn(tmp_path_factory):
    path = tmp_path_factory.mktemp("hymn") / "my hymn.mid"
    formats.write(HYMN, path)
    return path


@pytest.fixture(scope="module")
def kit(hymn):
    return musicae.practice(hymn, hymn.parent / "deep" / "kit", tempos=[100])


@pytest.fixture
def quick(monkeypatch):
    """Write an empty sound file and a page without voices, which is enough for most tests."""
    without_sound(monkeypatch)


def sound(kit, voice, kind, suffix="mp3"):
    samples, rate = soundfile.read(
        kit.folder / voice / f"my hymn-{voice}-{kind}-100.{suffix}", always_2d=True
    )
    assert rate == SAMPLE_RATE
    return samples


def music(samples):
    """The two bars after the count-in, mono."""
    return samples[round(BAR * SAMPLE_RATE) : round(3 * BAR * SAMPLE_RATE)].mean(axis=1)


def root_mean_square(samples):
    return sqrt(np.square(samples).mean())


def shares(kit, samples):
    """The loudness of each voice in a mix in decibels, fitted to the tracks of single voices."""
    alone = [music(sound(kit, voice.lower(), "alone")) for voice in VOICES]
    gains, *_ = np.linalg.lstsq(np.stack(alone, axis=1), music(samples), rcond=None)
    parts = [abs(gain) * root_mean_square(voice) for gain, voice in zip(gains, alone, strict=True)]
    return 20 * np.log10(parts)


def test_a_kit_holds_every_file_and_nothing_else_is_left(kit):
    singers = [
        f"{v}/my hymn-{v}{rest}"
        for v in map(str.lower, VOICES)
        for rest in (".pdf", *(f"-{kind}-100.{s}" for kind in KINDS for s in ("mp3", "mid")))
    ]
    assert {str(path.relative_to(kit.folder)) for path in kit.files} == {
        *singers,
        *("practice.html", "my hymn-score.pdf", "my hymn-piano.pdf", "my hymn-piano.musicxml"),
        *("all/my hymn-all-100.mp3", "all/my hymn-all-100.mid"),
    }
    assert {p for p in kit.folder.rglob("*") if p.is_file()} == set(kit.files)
    assert [path.name for path in kit.folder.parent.iterdir()] == ["kit"]
    assert kit.voices == VOICES
    for path in kit.files:
        start = {".pdf": b"%PDF", ".mid": b"MThd", ".html": b"<!do"}.get(path.suffix, b"")
        assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("voice", range(4))
def test_each_voice_is_heard_and_left_out_as_it_should_be(kit, voice):
    name = VOICES[voice].lower()
    others = [v for v in range(4) if v != voice]
    front = shares(kit, sound(kit, name, "front"))
    assert (front[voice] - front[others]).min() > 9
    assert (front[voice] - front[others]).max() < 15
    without = shares(kit, sound(kit, name, "without"))
    assert (without[others] - without[voice]).min() > 30
    assert np.ptp(without[others]) < 3, "the others are equally loud"


def test_all_together_are_equally_loud(kit):
    (path,) = kit.folder.glob("all/*.mp3")
    assert np.ptp(shares(kit, soundfile.read(path)[0])) < 3


def test_each_track_lasts_as_long_as_the_music_and_begins_with_clicks(kit):
    for path in kit.folder.rglob("*.mp3"):
        samples, rate = soundfile.read(path, always_2d=True)
        assert 3 * BAR <= len(samples) / rate <= 3 * BAR + TAIL + 0.1
        assert 0.7 < np.abs(samples).max() <= 1
        opening = samples[: round(0.9 * BAR * rate)]
        assert root_mean_square(opening) > 0.01


def test_the_first_note_is_the_voice_s_own(kit):
    for voice, name in enumerate(VOICES):
        for kind in KINDS:
            opening = sound(kit, name.lower(), kind)[4800 : round(0.9 * BAR * SAMPLE_RATE)]
            power = np.abs(np.fft.rfft(opening.mean(axis=1) * np.hanning(len(opening)))[1:]) ** 2
            hertz = np.fft.rfftfreq(len(opening), 1 / SAMPLE_RATE)[1:]
            semitones = 12 * np.log2(hertz / 440) + 69
            at = [power[np.abs(semitones - pitch) < 0.5].sum() for pitch in CHORDS[0]]
            assert at[voice] > power.sum() / 20
            assert all(at[lower] < at[voice] / 30 for lower in range(voice + 1, 4))


def test_tags_name_the_piece_the_voice_and_the_tempo(kit):
    with soundfile.SoundFile(kit.folder / "alto" / "my hymn-alto-front-100.mp3") as file:
        assert (file.title, file.artist) == ("Amen: Alto in front, 100 %", "Alto")
        assert (file.album, file.comment) == ("Amen", "100 % of the tempo")
    (path,) = kit.folder.glob("all/*.mp3")
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.artist) == ("Amen: all together, 100 %", "All voices")


def test_midi_has_volumes_and_places(kit):
    file = mido.MidiFile(kit.folder / "tenor" / "my hymn-tenor-front-100.mid")
    found = {
        track.name: {m.control: m.value for m in track if m.type == "control_change"}
        for track in file.tracks
    }
    assert found["Tenor"] == {7: 127, 10: 64}
    assert [found[v][7] for v in ("Soprano", "Alto", "Bass")] == [64] * 3
    assert file.length == pytest.approx(3 * BAR, abs=0.01)
    alone = mido.MidiFile(kit.folder / "tenor" / "my hymn-tenor-alone-100.mid")
    assert [t.name for t in alone.tracks] == ["Amen", "Tenor", "Clicks", "First note"]


def test_the_reduction_is_music_that_other_readers_read(kit):
    from music21 import converter

    upper, lower = converter.parse(kit.folder / "my hymn-piano.musicxml").parts
    assert sorted(n.pitch.midi for n in upper.flatten().notes)[0] == 62
    assert sorted({n.pitch.midi for n in lower.flatten().notes}) == [43, 48, 50, 57, 59, 60]


def test_the_page_has_the_voices_the_score_and_the_times(kit):
    text = kit.page.read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text, re.S)
    data = json.loads(found[1])
    assert data["voices"] == list(VOICES)
    assert (data["seconds"], len(data["bars"])) == (2 * BAR, 2)
    assert [second for second, _ in data["points"]] == [0, 0.5, 1, 1.5]
    assert data["notes"][0][0] == [0, 67]
    assert all(f'id="{element}"' in text for _, element in data["points"])
    assert [len(tempo["sounds"]) for tempo in data["tempos"]] == [4]


@pytest.mark.parametrize("suffix", ["flac", "ogg", "wav"])
def test_other_kinds_of_sound_and_other_tempi(tmp_path, suffix):
    duet = Chorale.from_notes([[(0, 4, 67)], [(0, 4, 64)]], tempos=(Tempo(0, 240),), title="Duo")
    made = kits.practice(duet, tmp_path / "kit", tempos=[200, 50], sound=suffix, program=0)
    assert made.voices == ("Soprano", "Alto")
    for percent, seconds in ((50, 4), (200, 1)):
        with soundfile.SoundFile(tmp_path / f"kit/alto/duo-alto-alone-{percent}.{suffix}") as file:
            assert seconds <= file.frames / SAMPLE_RATE <= seconds + TAIL + 0.1
            assert file.title == f"Duo: Alto alone, {percent} %"
        program = mido.MidiFile(tmp_path / f"kit/all/duo-all-{percent}.mid").tracks[1]
        assert [m.program for m in program if m.type == "program_change"] == [0]


def test_the_same_music_gives_the_same_bytes(tmp_path):
    duet = Chorale.from_notes([[(0, 2, 67)], [(0, 2, 64)]], tempos=(Tempo(0, 480),), title="Duo")
    one, other = (
        {
            p.relative_to(tmp_path / name): p.read_bytes()
            for p in kits.practice(duet, tmp_path / name, tempos=[100]).files
        }
        for name in ("one", "other")
    )
    assert one == other


@pytest.mark.usefixtures("quick")
def test_the_command_makes_a_kit_and_says_how_it_read_the_file(tmp_path, musicae_command):
    chords = [n for k, c in enumerate(CHORDS) for n in ((480 * k, 480 * k + 480, p) for p in c)]
    path = save(tmp_path / "chords.mid", tune(*chords))
    outcome = musicae_command("practice", path, "-o", tmp_path / "kit", "--tempo", "100,80%")
    assert outcome.status == 0
    assert "note: track 1 divides: read as Soprano and Alto and Tenor and Bass" in outcome.err
    page = tmp_path / "kit" / "practice.html"
    assert outcome.out.splitlines()[-1] == f"open {page}"
    names = [p.name for p in (tmp_path / "kit" / "bass").glob("*.mid")]
    assert sorted(names) == sorted(f"chords-bass-{k}-{p}.mid" for k in KINDS for p in (80, 100))


@pytest.mark.usefixtures("quick")
def test_a_piece_is_practised_too(tmp_path, untrained):
    (piece,) = musicae.harmonize(
        Chorale.from_notes([[(0, 4, 67), (4, 4, 69), (8, 8, 67)]], title="A tune"),
        model=str(untrained["minibach"]),
    )
    made = kits.practice(piece, tmp_path / "kit", tempos=[100])
    assert made.voices == VOICES
    assert (tmp_path / "kit" / "a-tune-score.pdf").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tempos": []}, "at least one tempo"),
        ({"tempos": [0]}, "a tempo is 25 to 200 per cent, not 0"),
        ({"sound": "aac"}, "practice tracks are wav, flac, ogg, mp3, not 'aac'"),
        ({"program": 128}, "a MIDI program is 0 to 127, not 128"),
        ({"soundfont": "nowhere.sf2"}, "no such SoundFont"),
    ],
)
def test_settings_that_make_no_sense_leave_nothing(tmp_path, settings, message):
    if "soundfont" in settings:
        settings = {"soundfont": tmp_path / settings["soundfont"], "tempos": [100]}
    with pytest.raises(MusicaeError, match=message):
        kits.practice(HYMN, tmp_path / "kit", **settings)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, musicae_command, hymn, monkeypatch):
    silent = save(tmp_path / "one.mid", tune((0, 480, 67)))
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").touch()
    for arguments, message in (
        ((silent, "-o", tmp_path / "kit"), "has one voice"),
        ((tmp_path / "none.mid", "-o", tmp_path / "kit"), "no such file"),
        ((hymn, "-o", taken), f"{taken}: is there already; name another folder, or remove it"),
        ((hymn, "-o", tmp_path / "kit", "--tempo", "fast"), "--tempo takes percentages"),
        ((hymn, "-o", tmp_path / "kit", "--audio", "aac"), "practice tracks are"),
    ):
        outcome = musicae_command("practice", *arguments)
        assert outcome.status == 2
        assert outcome.err.startswith("error: ")
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
    monkeypatch.setattr(kits, "NEEDS", ("verovio", "no_such_library"))
    outcome = musicae_command("practice", hymn, "-o", tmp_path / "kit")
    assert "a choir's kit needs no_such_library: pip install 'musicae[studio]'" in outcome.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.mid", "taken"]


def test_a_chorale_that_is_too_long_or_no_choir_s_is_refused(tmp_path):
    long = Chorale.from_notes([[(0, 4000, 67)], [(0, 4000, 64)]], tempos=(Tempo(0, 40),))
    with pytest.raises(
        ChoraleError, match=r"lasts 25 minutes at 100 %; a kit of 2 voices can have 20"
    ):
        kits.practice(long, tmp_path / "kit", tempos=[100])
    with pytest.raises(ChoraleError, match=r"^has one voice, Soprano"):
        kits.practice(Chorale.from_notes([[(0, 4, 67)]]), tmp_path / "kit")
    with pytest.raises(ChoraleError, match=r"^no voice has notes"):
        kits.practice(Chorale.from_notes([[]], steps=16), tmp_path / "kit")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise MusicaeError("the disk is full")

    monkeypatch.setattr(kits.practice_page, "write", fail)
    monkeypatch.setattr(kits, "record", lambda *_: None)
    monkeypatch.setattr(kits.practice_page, "voices_for_page", lambda _: [])
    monkeypatch.setattr(kits._Writer, "_save", lambda *_: None)
    with pytest.raises(MusicaeError, match="the disk is full"):
        kits.practice(HYMN, tmp_path / "kit", tempos=[100])
    assert list(tmp_path.iterdir()) == []
