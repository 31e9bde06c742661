"""The other tracks of a song come back unchanged, and nothing else plays on their channels."""

import mido
import pytest

import musicae
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError
from musicae.io.midi_notes import DRUM_CHANNEL
from tests.support.midifiles import absolute, meta, save, tune

MELODY = tune(*[(480 * i, 480 * (i + 1), 60 + pitch) for i, pitch in enumerate((0, 4, 7, 0))])
PIANO = [
    meta(0, "track_name", name="Piano"),
    meta(0, "instrument_name", name="Upright"),
    (0, mido.Message("program_change", channel=0, program=2)),
    (0, mido.Message("control_change", channel=0, control=64, value=127)),
    *tune((0, 961, 48), (7, 960, 55)),
    meta(30, "text", text="softly"),
    (1919, mido.Message("pitchwheel", channel=0, pitch=-5)),
]
DRUMS = [meta(0, "track_name", name="Kit"), *tune((0, 60, 36), channel=DRUM_CHANNEL)]


def harmonized(path, model, **wishes):
    """The tracks of a file after harmonizing, with all that was in it."""
    (piece,) = musicae.harmonize(path, model=str(model), **wishes)
    out = path.with_name("out.mid")
    piece.write(out, keep_tracks=True)
    return {track.name: absolute(track) for track in mido.MidiFile(out).tracks}


def channels(events):
    return {m.channel for _, m in events if hasattr(m, "channel")}


@pytest.fixture
def model(untrained):
    return untrained["minibach"]


def test_other_tracks_come_back_as_they_are(tmp_path, model):
    lead = [meta(0, "track_name", name="Lead"), *MELODY]
    path = save(tmp_path / "song.mid", [meta(0, "set_tempo", tempo=400000)], PIANO, lead, DRUMS)
    after = harmonized(path, model)
    assert after["Piano"][:-1] == sorted(PIANO, key=lambda event: event[0])
    assert after["Kit"][:-1] == DRUMS
    sung = [(tick, m.copy(channel=0)) for tick, m in after["Soprano"] if m.type.startswith("note")]
    assert sung == MELODY
    assert "Lead" not in after


def test_voices_sing_on_channels_that_others_leave_free(tmp_path, model):
    strings = [meta(0, "track_name", name="Strings"), *tune((0, 1920, 50), channel=2)]
    path = save(tmp_path / "song.mid", MELODY, PIANO, strings, DRUMS)
    after = harmonized(path, model, track="1")
    assert [channels(after[voice]) for voice in VOICES] == [{1}, {3}, {4}, {5}]
    assert len(musicae.read(path.with_name("out.mid")).notes(3)) > 0


def test_voices_share_channels_if_few_are_free(tmp_path, model):
    band = [meta(0, "track_name", name="Band")]
    for channel in range(14):
        band += tune((0, 480, 40), channel=channel)
    path = save(tmp_path / "song.mid", MELODY, band)
    after = harmonized(path, model, track="1")
    assert [channels(after[voice]) for voice in VOICES] == [{14}, {15}, {14}, {15}]


def test_the_voices_keep_their_channels_if_none_is_free(tmp_path, model):
    band = [meta(0, "track_name", name="Band")]
    for channel in range(16):
        band += tune((0, 480, 40), channel=channel)
    path = save(tmp_path / "song.mid", MELODY, band)
    after = harmonized(path, model, track="1")
    assert [channels(after[voice]) for voice in VOICES] == [{0}, {1}, {2}, {3}]


def test_a_track_of_format_0_loses_the_melody_only(tmp_path, model):
    low = tune((0, 1920, 40), channel=5)
    words = meta(0, "lyrics", text="La")
    everything = [meta(0, "track_name", name="Song"), words, *tune((0, 1920, 72)), *low]
    path = save(tmp_path / "song.mid", everything, form=0)
    (piece,) = musicae.harmonize(path, model=str(model), track="1")
    piece.write(tmp_path / "out.mid", keep_tracks=True)
    *_, kept = mido.MidiFile(tmp_path / "out.mid").tracks
    assert [e for e in absolute(kept) if not e[1].is_meta] == low
    soprano = absolute(mido.MidiFile(tmp_path / "out.mid").tracks[1])
    assert words in soprano
    assert words not in absolute(kept)


def test_voices_that_are_written_again_are_not_kept(tmp_path, model):
    alto = [meta(0, "track_name", name="Alto"), *tune((0, 1920, 65), channel=1)]
    sax = [meta(0, "track_name", name="Tenor Sax"), *tune((0, 1920, 55), channel=1)]
    lead = [meta(0, "track_name", name="Soprano"), *MELODY]
    path = save(tmp_path / "song.mid", lead, alto, sax)
    after = harmonized(path, model, voice="soprano")
    assert list(after)[1:] == [*VOICES, "Tenor Sax"]
    assert not [m for _, m in after["Alto"] if m.type == "note_on" and m.velocity == 90]
    assert len(musicae.read(path.with_name("out.mid")).notes(2)) > 0


def test_a_band_keeps_its_bass(tmp_path, model):
    bass = [meta(0, "track_name", name="Bass"), *tune((0, 1920, 36), channel=1)]
    lead = [meta(0, "track_name", name="Lead vocal"), *MELODY]
    path = save(tmp_path / "song.mid", lead, PIANO, bass)
    (piece,) = musicae.harmonize(path, model=str(model), track="1")
    piece.write(tmp_path / "out.mid", keep_tracks=True)
    *_, kept = mido.MidiFile(tmp_path / "out.mid").tracks
    assert absolute(kept)[:-1] == bass
    assert musicae.read(tmp_path / "out.mid").notes(3) == piece.chorale.notes(3)


def test_a_band_is_kept_when_its_song_is_harmonized_again(tmp_path, model):
    bass = [meta(0, "track_name", name="Bass"), *tune((0, 1920, 36), channel=1)]
    organ = [meta(0, "track_name", name="B3"), *tune((0, 1920, 60), channel=2)]
    lead = [meta(0, "track_name", name="Lead vocal"), *MELODY]
    path = save(tmp_path / "song.mid", lead, bass, organ)
    (piece,) = musicae.harmonize(path, model=str(model), track="1")
    piece.write(tmp_path / "once.mid", keep_tracks=True)
    (again,) = musicae.harmonize(tmp_path / "once.mid", model=str(model), voice="soprano")
    again.write(tmp_path / "twice.mid", keep_tracks=True)
    *voices, first, second = mido.MidiFile(tmp_path / "twice.mid").tracks
    assert [track.name for track in voices[1:]] == list(VOICES)
    assert [absolute(first)[:-1], absolute(second)[:-1]] == [bass, organ]


def test_without_it_only_the_voices_are_written(tmp_path, model):
    path = save(tmp_path / "song.mid", MELODY, PIANO)
    (piece,) = musicae.harmonize(path, model=str(model), track="1")
    piece.write(tmp_path / "out.mid")
    assert [track.name for track in mido.MidiFile(tmp_path / "out.mid").tracks[1:]] == list(VOICES)


def test_other_tracks_are_not_kept_in_another_format(tmp_path, model):
    (piece,) = musicae.harmonize(save(tmp_path / "song.mid", MELODY), model=str(model))
    with pytest.raises(ChoraleError, match=r"out\.musicxml: other tracks can be kept only in"):
        piece.write(tmp_path / "out.musicxml", keep_tracks=True)
