"""Bytes of other programs: containers, chunks and damaged events, and what the reader accepts."""

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

import musicae
from musicae.api.midi_input import read_given
from musicae.core.chorale import Note
from musicae.core.errors import ChoraleError
from musicae.daw.audition import end_to_end
from musicae.io import midi_bytes, midi_reader
from musicae.io.midi_file import UNSTATED_TEMPO, open_song
from tests.support.filling import filler

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
END = b"\0\xff\x2f\0"


def quarters(pitches=SCALE, before=b""):
    """Events of quarters at 96 ticks a quarter; ``before`` stands before each note."""
    return b"".join(before + bytes((0, 0x90, pitch, 80, 96, 0x80, pitch, 0)) for pitch in pitches)


def chunk(name, content, length=None):
    return name + (len(content) if length is None else length).to_bytes(4, "big") + content


def header(tracks=1, form=1, division=96):
    fields = (form, tracks, division)
    return chunk(b"MThd", b"".join(field.to_bytes(2, "big") for field in fields))


def written(path, *chunks):
    path.write_bytes(b"".join(chunks))
    return path


def melody(path):
    """The steps and pitches that are read, and the notices of omitted events."""
    song = open_song(path)
    return [(n.step, n.pitch) for n in midi_reader.read(path).notes(0)], song.notices


AS_WRITTEN = [(4 * i, pitch) for i, pitch in enumerate(SCALE)]


@pytest.mark.parametrize(
    ("kind", "content", "name"),
    [
        (0x59, b"\x08\x00", "key signature"),
        (0x59, b"\x00\xff", "key signature"),
        (0x59, b"", "key signature"),
        (0x59, b"\x02", "key signature"),
        (0x58, b"\x04", "meter"),
        (0x58, b"\x04\x1d\x18\x08", "meter"),
        (0x58, b"\x04\x07\x18\x08", "meter"),
        (0x58, b"\x00\x02\x18\x08", "meter"),
        (0x51, b"\x07\xa1", "tempo"),
        (0x51, b"\0\0\0", "tempo"),
        (0x54, b"\x41\x63\0\0\0", "SMPTE offset"),
        (0x54, b"\xe1\0\0\0\0", "SMPTE offset"),
        (0x00, b"\x01", "sequence number"),
        (0x20, b"\x10", "channel prefix"),
    ],
)
def test_a_meta_event_that_cannot_be_read_is_left_out_with_a_notice(tmp_path, kind, content, name):
    """The time before it counts: the first note begins on the second beat."""
    event = bytes((96, 0xFF, kind, len(content))) + content
    path = written(
        tmp_path / "tune.mid", header(), chunk(b"MTrk", event + quarters(SCALE[:3]) + END)
    )
    found, notices = melody(path)
    assert [pitch for _, pitch in found] == list(SCALE[:3])
    assert open_song(path).parts[0].notes[0].start == 96
    assert notices == (f"what cannot be read is left out: 1 {name}",)
    assert notices[0] in read_given(path).notices


def test_omitted_events_are_counted(tmp_path):
    bad = b"\0\xff\x59\x02\x08\0\0\xff\x59\x02\x09\0\0\xff\x51\x02\x07\xa1"
    path = written(tmp_path / "tune.mid", header(), chunk(b"MTrk", bad + quarters() + END))
    assert open_song(path).notices == (
        "what cannot be read is left out: 2 key signatures, 1 tempo",
    )


@pytest.mark.parametrize("content", [b"\x03\x02", b"\x03\x02\x18", b"\x03\x02\x18\x08\0"])
def test_a_meter_needs_its_two_numbers_only(tmp_path, content):
    event = bytes((0, 0xFF, 0x58, len(content))) + content
    path = written(tmp_path / "tune.mid", header(), chunk(b"MTrk", event + quarters() + END))
    assert [str(meter) for meter in midi_reader.read(path).meters] == ["3/4"]
    assert open_song(path).notices == ()


@pytest.mark.parametrize("kind", [0x08, 0x0A, 0x4B, 0x60, 0x7E])
def test_an_unknown_meta_event_keeps_its_time(tmp_path, kind):
    """A whole note of rest before the fifth note."""
    unknown = bytes((0x83, 0, 0xFF, kind, 3)) + b"abc"
    content = quarters(SCALE[:4]) + unknown + quarters(SCALE[4:]) + END
    path = written(tmp_path / "tune.mid", header(), chunk(b"MTrk", content))
    found, notices = melody(path)
    assert found == [(4 * i + 16 * (i >= 4), pitch) for i, pitch in enumerate(SCALE)]
    assert notices == ()
    conductor = unknown + b"\0\xff\x06\x05verse" + END
    path = written(
        tmp_path / "song.mid",
        header(2),
        chunk(b"MTrk", conductor),
        chunk(b"MTrk", quarters() + END),
    )
    assert [(e.tick, e.message.text) for e in open_song(path).metas("marker")] == [(384, "verse")]


def riff(content, kind=b"RMID"):
    data = content + bytes(len(content) % 2)
    size = len(data) + 12
    return (
        b"RIFF"
        + size.to_bytes(4, "little")
        + kind
        + b"data"
        + len(content).to_bytes(4, "little")
        + data
    )


TUNE = chunk(b"MTrk", quarters() + END)


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (riff(header() + TUNE), ""),
        (riff(header() + TUNE) + b"LIST\x08\0\0\0INFOabcd", ""),
        (riff(header() + TUNE)[:16] + bytes(4) + header() + TUNE, ""),
        (bytes(128) + header() + TUNE, ""),
        (header() + chunk(b"XFIH", b"abc") + TUNE, "1 foreign chunk"),
        (header() + TUNE + chunk(b"XFKM", b"abcd"), "1 foreign chunk"),
        (header(tracks=9) + TUNE, ""),
        (header(tracks=0) + TUNE, ""),
        (header(form=7) + TUNE, ""),
        (b"MThd\0\0\0\x08" + header()[8:] + b"ab" + TUNE, ""),
        (b"MThd\0\0\0\0" + header()[8:] + TUNE, ""),
        (header() + chunk(b"MTrk", quarters() + END + b"\0"), "1 stray byte"),
        (header() + TUNE + b"\0\0\0", "3 stray bytes"),
        (header() + TUNE + b"\r\n\x1a MTr, no track at all", "24 stray bytes"),
        (header() + chunk(b"MTrk", quarters() + END, 0xFFFF), ""),
        (header() + chunk(b"MTrk", quarters() + END, len(quarters()) + 5), ""),
        (header() + chunk(b"MTrk", quarters() + END, 7), ""),
        (header() + chunk(b"MTrk", quarters() + END, 0), ""),
        (header() + chunk(b"MTrk", quarters() + END, 16), ""),
        (header() + chunk(b"MTrk", quarters()), ""),
        (header() + chunk(b"MTrk", quarters()) + b"\xff", "1 stray byte"),
        (header() + chunk(b"MTrk", quarters()) + b"\0\x90\x3c", "3 stray bytes"),
        (header() + chunk(b"MTrk", b"\0\xf4" + quarters() + END), "1 system message"),
        (header() + chunk(b"MTrk", quarters(before=b"\0\xf8") + END), "8 system messages"),
        (
            header() + chunk(b"MTrk", b"\0\xf6\0\xf2\1\2\0\xf3\1" + quarters() + END),
            "3 system messages",
        ),
        (
            header() + chunk(b"MTrk", b"\0\xf0\3\x43\1\2\0\xf7\2\3\xf7" + quarters() + END),
            "2 incomplete system exclusive messages",
        ),
    ],
)  # fmt: skip
def test_bytes_around_the_music_are_skipped(tmp_path, content, left_out):
    found, notices = melody(written(tmp_path / "tune.mid", content))
    assert found == AS_WRITTEN
    told = f"what cannot be read is left out: {left_out}"
    assert notices == ((told,) if left_out else ())


@pytest.mark.parametrize("length", [0xFFFF, 0, 7, 9, 30])
def test_an_untrue_length_hides_no_track_after_it(tmp_path, length):
    named = b"\0\xff\x03\x05Other" + quarters((40,)) + END
    tune = b"\0\xff\x03\x06Melody" + quarters() + END
    content = header(2) + chunk(b"MTrk", named, length) + chunk(b"MTrk", tune)
    path = written(tmp_path / "tune.mid", content)
    assert [part.name for part in open_song(path).parts] == ["Other", "Melody"]
    assert [(n.step, n.pitch) for n in read_given(path).parts.tune.notes(0)] == AS_WRITTEN


def test_running_status_continues_after_meta_events_clocks_and_whole_sysex(tmp_path):
    between = b"\0\xff\x01\x02hi", b"\0\xf8", b"\0\xf0\x03\x43\x01\xf7"
    notes = b"".join(
        bytes((0, pitch, 80)) + between[i % 3] + bytes((96, pitch, 0))
        for i, pitch in enumerate(SCALE)
    )
    content = b"\0\x90" + notes[1:] + END
    path = written(tmp_path / "tune.mid", header(), chunk(b"MTrk", content))
    assert melody(path)[0] == AS_WRITTEN


def test_values_above_127_are_read_as_127_with_a_notice(tmp_path):
    content = b"\0\x90\x3c\xff\x60\x80\x3c\x40" + END
    path = written(tmp_path / "tune.mid", header(), chunk(b"MTrk", content))
    song = open_song(path)
    assert song.tracks[0][0].message.velocity == 127
    assert song.notices == ("1 event has values above 127; they are read as 127",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (header()[:12], "is cut off before its end"),
        (header() + TUNE[:30], "its track 1 is cut off before its end"),
        (header() + TUNE[:6], "is cut off before its end"),
        (header() + TUNE[:24], "its track 1 is cut off before its end"),
        (
            header(2) + chunk(b"MTrk", quarters()[:-1]) + TUNE,
            "its track 1 is damaged: it ends within an event",
        ),
        (header() + chunk(b"MTrk", b"\0\x3c\x40" + END), "its track 1 is damaged at byte 23"),
        (header() + chunk(b"MTrk", b"\xff\xff\xff\xff\x7f\x90"), "a number of more than 4 bytes"),
        (b"MThd is a text", "is cut off"),
        (b"A text about MThd" + bytes(5), "is cut off"),
        (b"PK\3\4" + bytes(3000) + header() + TUNE, "is not a MIDI file"),
        (riff(b"", b"WAVE"), "is not a MIDI file"),
    ],
)
def test_damaged_files_are_refused_with_the_true_reason(tmp_path, content, complaint):
    path = written(tmp_path / "tune.mid", content)
    with pytest.raises(ChoraleError, match=f"tune.mid: .*{complaint}"):
        midi_reader.read(path)


@pytest.mark.parametrize(
    ("bound", "value", "complaint"),
    [
        ("MOST_EVENTS", 16, "has more than 16 events"),
        ("MOST_TRACKS", 2, "has more than 2 tracks"),
        ("MOST_BYTES", 64, "is larger than"),
    ],
)
def test_files_beyond_the_bounds_are_refused(tmp_path, monkeypatch, bound, value, complaint):
    path = written(tmp_path / "tune.mid", header(3), TUNE, TUNE, TUNE)
    open_song(path)
    monkeypatch.setattr(midi_bytes, bound, value)
    with pytest.raises(ChoraleError, match=rf"tune.mid: {complaint}"):
        open_song(path)


@pytest.mark.parametrize(
    ("division", "tempo", "ticks", "stated"),
    [
        (0xE728, None, 500, 500_000),  # 25 frames a second of 40 ticks: milliseconds
        (0xE728, 600_000, 600, 600_000),
        (0xE250, None, 1200, 500_000),  # 30 frames of 80
        (0xE364, None, 1499, 500_166),  # 29.97 frames of 100
        (0xFF01, 16_777_215, 17, 16_777_215),  # as slow as a file can state
    ],
)
def test_ticks_that_are_parts_of_a_second(tmp_path, division, tempo, ticks, stated):
    """Four quarters. A tick stays a tick, and the written tempo keeps its length in seconds."""
    quarter = bytes((0x80 | ticks >> 7, ticks & 0x7F))
    notes = b"".join(bytes((0, 0x90, p, 80)) + quarter + bytes((0x80, p, 0)) for p in SCALE[:4])
    start = b"" if tempo is None else b"\0\xff\x51\x03" + tempo.to_bytes(3, "big")
    path = written(
        tmp_path / "film.mid", header(division=division), chunk(b"MTrk", start + notes + END)
    )
    song = open_song(path)
    assert song.ppq == ticks
    assert [event.message.tempo for event in song.metas("set_tempo")] == [stated]
    assert [note.start for note in song.parts[0].notes] == [0, ticks, 2 * ticks, 3 * ticks]
    assert midi_reader.read(path).notes(0) == [Note(4 * i, 4, SCALE[i]) for i in range(4)]
    assert any("counts time in seconds (SMPTE)" in notice for notice in song.notices)


messages = st.one_of(
    st.builds(
        lambda kind, channel, a, b: mido.Message.from_bytes(
            [kind | channel, a, *([b] if kind not in (0xC0, 0xD0) else [])]
        ),
        st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0]),
        st.integers(0, 15),
        st.integers(0, 127),
        st.integers(0, 127),
    ),
    st.builds(lambda data: mido.Message("sysex", data=data), st.lists(st.integers(0, 127))),
    st.builds(
        lambda raw: mido.MetaMessage("text", text=raw.decode("latin-1")), st.binary(max_size=200)
    ),
    st.builds(
        lambda n, d: mido.MetaMessage("time_signature", numerator=n, denominator=2**d),
        st.integers(1, 255),
        st.integers(0, 6),
    ),
    st.builds(lambda tempo: mido.MetaMessage("set_tempo", tempo=tempo), st.integers(1, 2**24 - 1)),
    st.builds(lambda data: mido.MetaMessage("sequencer_specific", data=data), st.binary()),
)


@given(
    tracks=st.lists(
        st.lists(st.tuples(st.integers(0, 0x0FFFFFFF), messages), max_size=8), max_size=3
    )
)
def test_files_of_mido_are_read_unchanged(tmp_path_factory, tracks):
    path = tmp_path_factory.mktemp("midi") / "tune.mid"
    file = mido.MidiFile(type=1, ticks_per_beat=96)
    for track in tracks:
        file.tracks.append(mido.MidiTrack(message.copy(time=delta) for delta, message in track))
    file.save(path)
    contents = midi_bytes.parse(path.read_bytes())
    assert not contents.notices
    assert (contents.format, contents.division) == (1, 96)
    for ours, track in zip(contents.tracks, mido.MidiFile(path).tracks, strict=True):
        tick, expected = 0, []
        for message in track:
            tick += message.time
            expected.append((tick, message.copy(time=0)))
        assert list(ours) == expected


def test_a_file_in_riff_is_written_and_read(tmp_path):
    chorale = midi_reader.read(written(tmp_path / "tune.mid", header(), TUNE))
    for name in ("again.mid", "again.rmi"):
        musicae.write(chorale, tmp_path / name)
    plain, inside = ((tmp_path / name).read_bytes() for name in ("again.mid", "again.rmi"))
    assert inside[:4] == b"RIFF"
    assert inside[8:16] == b"RMIDdata"
    assert int.from_bytes(inside[4:8], "little") == len(inside) - 8
    assert midi_bytes.parse(inside) == midi_bytes.parse(plain)


NONSENSE = b"\0\xff\x51\x03\0\0\0" + b"\0\xff\x58\x04\0\x02\x18\x08"
"""A tempo of 0 and a meter of 0/4."""
LIVE = b"\0\xf8\0\xf6"
"""A clock and a tune request."""


def test_unreadable_events_are_not_copied_to_results(tmp_path, untrained):
    """Neither into kept tracks, nor into audition packs, nor to a synthesizer."""
    piano = b"\0\xff\x03\x05Piano" + LIVE + quarters((48, 50)) + END
    song = header(2), chunk(b"MTrk", NONSENSE + quarters() + END), chunk(b"MTrk", piano)
    path = written(tmp_path / "song.mid", *song)
    with filler():
        (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]), track="1")
    assert piece.notices[0] == (
        "what cannot be read is left out: 1 tempo, 1 meter, 2 system messages"
    )
    for keep_tracks in (False, True):
        piece.write(tmp_path / "out.mid", keep_tracks=keep_tracks)
        tracks = mido.MidiFile(tmp_path / "out.mid").tracks
        kinds = {message.type for track in tracks for message in track}
        assert not {"clock", "tune_request", "set_tempo", "time_signature"} & kinds
        assert [track.name for track in tracks[5:]] == ["Piano"] * keep_tracks
    together, _ = end_to_end([piece.arrange(), piece.arrange()], ["1", "2"])
    assert {
        e.message.tempo for track in together.tracks for e in track if e.message.type == "set_tempo"
    } <= {UNSTATED_TEMPO}
    (sound,) = musicae.render(path, tmp_path / "song.wav")
    assert sound.stat().st_size > 100_000
