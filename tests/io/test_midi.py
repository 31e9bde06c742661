"""Chorale -> MIDI -> Chorale, what DAWs read from it, and the files that people have."""

from dataclasses import replace
from pathlib import Path

import mido
import pretty_midi
import pytest
from hypothesis import given

from musicae.core.chorale import Chorale, Note
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.io import midi_bytes, midi_file, midi_reader, midi_writer
from tests.support.midifiles import meta, save, tune
from tests.support.strategies import chorales, differences

AMEN = Chorale.from_notes(
    [
        [(0, 4, 65), (4, 8, 67), (12, 8, 67)],
        [(0, 4, 62), (4, 8, 64), (12, 8, 64)],
        [(0, 4, 59), (4, 8, 60), (12, 4, 62), (16, 4, 60)],
        [(0, 4, 55), (4, 8, 53), (12, 8, 48)],
    ],
    pickup=4,
    key=Key.parse("C major"),
    fermatas=(12,),
    tempos=(Tempo(0, 72),),
    title="Amen",
    source="typed by hand",
)


@given(chorale=chorales())
def test_midi_gives_back_the_chorale(tmp_path_factory, chorale):
    path = tmp_path_factory.mktemp("midi") / "chorale.mid"
    midi_writer.write(chorale, path)
    assert not differences(chorale, midi_reader.read(path))


@given(chorale=chorales())
def test_a_daw_sees_a_conductor_track_and_four_named_voices(tmp_path_factory, chorale):
    path = tmp_path_factory.mktemp("midi") / "chorale.mid"
    midi_writer.write(chorale, path, program=19)
    file = mido.MidiFile(path)
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 480, 5)
    assert [track.name for track in file.tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    lengths = {sum(message.time for message in track) for track in file.tracks}
    assert len(lengths) == 1
    conductor = [m.type for m in file.tracks[0]]
    assert not {"note_on", "program_change"} & set(conductor)
    for channel, track in enumerate(file.tracks[1:]):
        programs = [m for m in track if m.type == "program_change"]
        assert [(m.program, m.time) for m in programs] == [(19, 0)]
        assert {m.channel for m in track if not m.is_meta} == {channel}
        assert sum(m.type == "key_signature" for m in track) == (chorale.key is not None)
        sounding = set()
        for message in track:
            if message.type == "note_on":
                assert not sounding, "a note begins before the one before it has ended"
                sounding.add(message.note)
            elif message.type == "note_off":
                sounding.remove(message.note)
        assert not sounding


def test_tracks_end_on_the_bar_line(tmp_path):
    midi_writer.write(AMEN, tmp_path / "amen.mid")
    file = mido.MidiFile(tmp_path / "amen.mid")
    assert sum(message.time for message in file.tracks[0]) == 480 * (1 + 4)
    meters = [m for m in file.tracks[0] if m.type == "time_signature"]
    assert [(m.numerator, m.denominator) for m in meters] == [(1, 4), (4, 4)]


# A key signature in every track helps DAWs, and pretty_midi warns of it.
@pytest.mark.filterwarnings("ignore:Tempo, Key or Time signature change events")
def test_other_readers_agree(tmp_path):
    midi_writer.write(AMEN, tmp_path / "amen.mid", provenance={"seed": 7})
    theirs = pretty_midi.PrettyMIDI(str(tmp_path / "amen.mid"))
    ours = midi_writer.to_pretty_midi(AMEN)
    for a, b in zip(theirs.instruments, ours.instruments, strict=True):
        assert (a.name, a.program) == (b.name, b.program)
        assert [(n.pitch, round(n.start, 3)) for n in a.notes] == [
            (n.pitch, round(n.start, 3)) for n in b.notes
        ]


def test_provenance_is_written_where_no_notation_program_prints_it(tmp_path):
    midi_writer.write(replace(AMEN, source="bwv 1"), tmp_path / "amen.mid", provenance={"seed": 7})
    assert midi_reader.read_provenance(tmp_path / "amen.mid") == {"seed": 7}
    assert midi_reader.read(tmp_path / "amen.mid").source == "bwv 1"
    kinds = {m.type for track in mido.MidiFile(tmp_path / "amen.mid").tracks for m in track}
    assert not kinds & {"text", "lyrics"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (meta(0, "text", text='musicae: {"seed": 7}'), {"seed": 7}),  # as version 0.1 had it
        (meta(0, "sequencer_specific", data=(0x7D, *b"musicae: {")), {}),
        (meta(0, "sequencer_specific", data=(0x7D, *b"musicae: 7")), {}),
        (meta(0, "sequencer_specific", data=(0x41, *b"musicae: {}")), {}),
        (meta(0, "sequencer_specific", data=()), {}),
    ],
)
def test_provenance_is_read_if_it_is_valid(tmp_path, told, expected):
    path = save(tmp_path / "told.mid", [told, *tune((0, 480, 60))])
    assert midi_reader.read_provenance(path) == expected


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "amen.mid"
    path.write_bytes(b"precious")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ChoraleError, match="cannot be written"):
        midi_writer.write(AMEN, path)
    monkeypatch.undo()
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ppq", [24, 25, 96, 480, 15360])
def test_any_ticks_per_quarter_is_read(tmp_path, ppq):
    notes = [(round(i * ppq / 4), round((i + 1) * ppq / 4), 60 + i) for i in range(16)]
    path = save(tmp_path / "tune.mid", tune(*notes), ppq=ppq)
    assert midi_reader.read(path).notes(0) == [Note(i, 1, 60 + i) for i in range(16)]


@pytest.mark.parametrize("off", ["note_off", "note_on"])
@pytest.mark.parametrize("form", [0, 1, 2])
def test_formats_0_and_1_and_both_note_offs_are_read(tmp_path, form, off):
    events = [meta(0, "time_signature", numerator=3, denominator=4)]
    path = save(
        tmp_path / "tune.mid", events + tune((0, 480, 60), (480, 1440, 62), off=off), form=form
    )
    chorale = midi_reader.read(path)
    assert chorale.notes(0) == [Note(0, 4, 60), Note(4, 8, 62)]
    assert chorale.meters == (Meter(0, 3, 4),)


def test_tracks_of_format_2_are_songs_of_their_own(tmp_path):
    path = save(
        tmp_path / "patterns.mid",
        [meta(0, "time_signature", numerator=3, denominator=4), *tune((0, 1440, 60))],
        [meta(0, "time_signature", numerator=5, denominator=4), *tune((0, 2400, 70))],
        form=2,
    )
    chorale = midi_reader.read(path)
    assert (chorale.notes(0), chorale.meters) == ([Note(0, 12, 60)], (Meter(0, 3, 4),))


def test_running_status_is_read(tmp_path):
    body = bytes.fromhex("00903c50 833c3c00 003e50 833c3e00 00ff2f00".replace(" ", ""))
    head = b"MThd" + (6).to_bytes(4, "big") + bytes.fromhex("0000000101e0")
    path = tmp_path / "running.mid"
    path.write_bytes(head + b"MTrk" + len(body).to_bytes(4, "big") + body)
    assert [n.pitch for n in midi_reader.read(path).notes(0)] == [60, 62]


def test_voices_by_name_whatever_their_order(tmp_path):
    tracks = [
        [meta(0, "track_name", name=name), *tune((0, 1920, pitch), channel=i)]
        for i, (name, pitch) in enumerate([("Bass", 48), ("tenor", 55), ("Soprano 1", 72)])
    ]
    chorale = midi_reader.read(save(tmp_path / "trio.mid", *tracks))
    assert [[n.pitch for n in chorale.notes(v)] for v in range(4)] == [[72], [], [55], [48]]


def test_four_channels_of_format_0_from_high_to_low(tmp_path):
    events = [e for ch, p in enumerate([48, 72, 55, 64]) for e in tune((0, 1920, p), channel=ch)]
    chorale = midi_reader.read(save(tmp_path / "one_track.mid", events, form=0))
    assert [chorale.notes(v)[0].pitch for v in range(4)] == [72, 64, 55, 48]


def test_voices_that_cannot_be_distinguished_are_refused(tmp_path):
    path = save(tmp_path / "duo.mid", tune((0, 480, 60)), tune((0, 480, 48), channel=1))
    with pytest.raises(ChoraleError, match=r"duo.mid: has 2 parts without voices' names"):
        midi_reader.read(path)


def test_anacrusis_by_a_first_note_off_the_bar_line(tmp_path):
    path = save(tmp_path / "tune.mid", tune((1440, 1920, 60), (1920, 3840, 65)))
    chorale = midi_reader.read(path)
    assert (chorale.pickup, chorale.notes(0)) == (4, [Note(0, 4, 60), Note(4, 16, 65)])


def test_anacrusis_by_a_short_first_measure(tmp_path):
    conductor = [
        meta(0, "time_signature", numerator=1, denominator=4),
        meta(480, "time_signature", numerator=4, denominator=4),
    ]
    path = save(tmp_path / "tune.mid", conductor, tune((0, 480, 60), (480, 2400, 65)))
    chorale = midi_reader.read(path)
    assert (chorale.pickup, chorale.meters) == (4, (Meter(0, 4, 4),))


def test_bars_of_rest_before_the_first_note_are_counted(tmp_path):
    chorale = midi_reader.read(save(tmp_path / "tune.mid", tune((2 * 1920, 3 * 1920, 60))))
    assert chorale.position(chorale.notes(0)[0].step) == (3, 1.0)


def test_changes_of_meter_and_tempo_are_read(tmp_path):
    conductor = [
        meta(0, "time_signature", numerator=4, denominator=4),
        meta(0, "set_tempo", tempo=500_000),
        meta(1920, "time_signature", numerator=6, denominator=8),
        meta(1925, "set_tempo", tempo=1_000_000),
        meta(0, "key_signature", key="Bbm"),
        meta(3360, "marker", text="fermata"),
    ]
    path = save(tmp_path / "tune.mid", conductor, tune((0, 1920, 60), (1920, 3840, 65)))
    chorale = midi_reader.read(path)
    assert chorale.meters == (Meter(0, 4, 4), Meter(16, 6, 8))
    assert chorale.tempos == (Tempo(0, 120), Tempo(16, 60))
    assert chorale.key == Key.parse("Bb minor")
    assert chorale.fermatas == (16,)


def test_marks_of_phrases_in_any_track(tmp_path):
    conductor = [
        meta(0, "marker", text="Verse"),
        meta(1430, "marker", text="  FERMATA "),
        meta(1440, "marker", text="cadence"),
        meta(1920, "marker", text="phrasing by the singer"),
        meta(4800, "marker", text="phrase after the end"),
    ]
    melody = [
        meta(0, "cue_marker", text="phrase in the silence before the first note"),
        meta(2880, "cue_marker", text="Cadence: half"),
        meta(3360, "marker", text="Phrase2"),
        meta(3000, "text", text="phrase"),
        *tune((480, 3840, 60)),
    ]
    song = midi_file.open_song(save(tmp_path / "tune.mid", conductor, melody))
    assert midi_reader.phrase_marks(song, offset=4, steps=28) == (8, 20, 24)


def test_humanised_timing_legato_and_pedal_are_quantized(tmp_path):
    played = tune((7, 500, 60), (470, 955, 62), (968, 1100, 64), (1449, 1800, 65))
    pedal = [
        (950, mido.Message("control_change", control=64, value=127)),
        (1430, mido.Message("control_change", control=64, value=0)),
    ]
    chorale = midi_reader.read(save(tmp_path / "played.mid", played + pedal))
    assert chorale.notes(0) == [
        Note(0, 4, 60),
        Note(4, 4, 62),
        Note(8, 4, 64),
        Note(12, 3, 65),
    ]


def test_triplets_and_thirty_seconds_go_to_the_nearest_sixteenth(tmp_path):
    notes = [(0, 160, 60), (160, 320, 62), (320, 480, 64), (480, 540, 65), (540, 600, 67)]
    chorale = midi_reader.read(save(tmp_path / "fast.mid", tune(*notes, (600, 960, 69))))
    assert [(n.step, n.pitch) for n in chorale.notes(0)] == [
        (0, 60),
        (1, 62),
        (3, 64),
        (4, 65),
        (5, 69),
    ]


def test_notes_off_the_grid_are_counted(tmp_path):
    notes = [(5, 160, 60), (160, 320, 62), (320, 480, 64), (960, 1440, 65)]
    path = save(tmp_path / "tune.mid", tune(*notes))
    assert midi_reader.read_counting(path).quantized == 2


def test_a_file_that_claims_to_last_for_days_is_refused(tmp_path):
    path = save(tmp_path / "endless.mid", tune((0, 0xFFFFFFF, 60)), ppq=24)
    with pytest.raises(ChoraleError, match=r"endless.mid: lasts about 2796202 bars"):
        midi_reader.read(path)


def test_a_note_that_never_ends_lasts_to_the_end_of_its_track(tmp_path):
    events = [*tune((0, 480, 60)), (480, mido.Message("note_on", note=62, velocity=80))]
    path = save(tmp_path / "stuck.mid", [*events, meta(1920, "end_of_track")])
    assert midi_reader.read(path).notes(0) == [Note(0, 4, 60), Note(4, 12, 62)]


def test_texts_in_any_encoding_are_read(tmp_path):
    for name in ["O Haupt voll Blut", midi_file.raw_text("Grüße"), "Grüße", "two\nlines"]:
        path = save(tmp_path / "named.mid", [meta(0, "track_name", name=name)], tune((0, 480, 60)))
        assert midi_reader.read(path).title in ("O Haupt voll Blut", "Grüße", "two lines")


def header(division, tracks=1):
    return b"MThd\0\0\0\6\0\1" + tracks.to_bytes(2, "big") + division.to_bytes(2, "big")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"RIFF and so on, no MIDI at all", "is not a MIDI file"),
        (header(480) + b"MTrk\0\0\0\x40\0\x90\x3c", "is cut off"),
        (header(480), "is cut off"),
        (header(0, tracks=0), "ticks are not parts of a quarter"),
        (header(0xE700, tracks=0), "ticks are not parts of a quarter"),
        (header(480, tracks=0), "has no notes"),
        (header(480) + b"MTrk\0\0\0\4\0\xff\x2f\0", "has no notes"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path, content, complaint):
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    with pytest.raises(ChoraleError, match=f"tune.mid: .*{complaint}"):
        midi_reader.read(path)


def test_folders_missing_files_and_drums_cannot_be_used(tmp_path):
    with pytest.raises(ChoraleError, match="is a folder"):
        midi_reader.read(tmp_path)
    with pytest.raises(ChoraleError, match="no such file"):
        midi_reader.read(tmp_path / "none.mid")
    drums = save(tmp_path / "drums.mid", tune((0, 480, 38), channel=9))
    with pytest.raises(ChoraleError, match="has only drums"):
        midi_reader.read(drums)


def test_no_file_is_written_that_could_not_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(midi_bytes, "MOST_EVENTS", 20)
    long = Chorale.from_notes([[(4 * i, 4, 67) for i in range(16)]])
    with pytest.raises(ChoraleError, match="would have more than 20 events"):
        midi_writer.write(long, tmp_path / "long.mid")
    assert not (tmp_path / "long.mid").exists()
