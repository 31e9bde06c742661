"""Notes as players and programs write them: without ends, on several channels, with grace notes."""

import mido
import pytest

import musicae
from musicae.api.midi_input import read_given
from musicae.core.chorale import Note
from musicae.core.errors import ChoraleError
from musicae.io import midi_reader
from musicae.io.midi_file import LONGEST_DELTA, open_song
from tests.support.filling import filler
from tests.support.midifiles import absolute, meta, save, tune

PITCHES = [79, 67, 67, 69, 71, 72, 71, 69, 67]


def on(tick, pitch, channel=0):
    return (tick, mido.Message("note_on", channel=channel, note=pitch, velocity=90))


def quarters(pitches, channel=0, start=0):
    ticks = [start + 480 * i for i in range(len(pitches))]
    notes = [(tick, tick + 480, p) for tick, p in zip(ticks, pitches, strict=True)]
    return tune(*notes, channel=channel)


def harmonized(path, untrained, **wishes):
    """The soprano's events, and the other tracks, of the file that is written."""
    with filler():
        (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]), **wishes)
    out = path.with_name("out.mid")
    piece.write(out, keep_tracks=True)
    _, soprano, _, _, _, *others = [absolute(track) for track in mido.MidiFile(out).tracks]
    return [e for e in soprano if e[1].type.startswith("note")], others


def without_end(events, index):
    """The events without the end of the note that begins as number ``index``."""
    _, message = [e for e in events if e[1].type == "note_on"][index]
    gone = next(
        e
        for e in events
        if e[1].type == "note_off" and e[1].note == message.note and e[0] > 480 * index
    )
    return [e for e in events if e is not gone]


@pytest.mark.parametrize("index", range(len(PITCHES)))
def test_a_note_without_an_end_lasts_until_the_next(tmp_path, untrained, index):
    """Whichever end is missing, the melody is whole, and the written file has this end."""
    events = quarters(PITCHES)
    path = save(tmp_path / "tune.mid", without_end(events, index), [meta(4320, "text", text="")])
    given = read_given(path, track="1")
    assert [(n.step, n.pitch) for n in given.parts.tune.notes(0)] == [
        (4 * i, pitch) for i, pitch in enumerate(PITCHES)
    ]
    assert "1 note without an end; each lasts until the next begins" in given.notices
    assert not any("chords" in notice for notice in given.notices)
    sung, _ = harmonized(path, untrained)
    assert [(t, m.type, m.note) for t, m in sung if m.type == "note_on"] == [
        (t, m.type, m.note) for t, m in events if m.type == "note_on"
    ]
    for pitch in set(PITCHES):
        kinds = [m.type for _, m in sung if m.note == pitch]
        assert kinds == ["note_on", "note_off"] * PITCHES.count(pitch)


def test_a_pitch_struck_again_ends_the_note_before(tmp_path, untrained):
    """Legato on one pitch: each note has its own end, and all events come back unchanged."""
    events = tune((0, 500, 60), (480, 980, 60), (960, 1440, 60))
    path = save(tmp_path / "tune.mid", events)
    assert [(n.start, n.end) for n in open_song(path).parts[0].notes] == [
        (0, 480),
        (480, 960),
        (960, 1440),
    ]
    assert read_given(path).parts.tune.notes(0) == [Note(4 * i, 4, 60) for i in range(3)]
    assert harmonized(path, untrained)[0] == sorted(events, key=lambda e: e[0])


def test_a_note_without_an_end_in_a_kept_track_is_ended(tmp_path, untrained):
    organ = [meta(0, "track_name", name="Organ"), on(0, 48), *quarters((50, 52), start=480)]
    lead = [meta(0, "track_name", name="Lead"), *quarters(PITCHES[1:], channel=1)]
    _, (kept,) = harmonized(save(tmp_path / "song.mid", organ, lead), untrained)
    assert [(t, m.type) for t, m in kept if m.type.startswith("note") and m.note == 48] == [
        (0, "note_on"),
        (480, "note_off"),
    ]


def test_hits_of_drums_need_no_end(tmp_path):
    """Such files are common; there is no notice."""
    drums = [on(120 * i, 36, channel=9) for i in range(30)]
    song = open_song(save(tmp_path / "song.mid", quarters(PITCHES), drums))
    assert song.notices == ()


def test_the_last_note_without_an_end_lasts_to_the_end_of_its_track(tmp_path, untrained):
    path = save(tmp_path / "tune.mid", [*quarters((60, 62)), on(960, 64), meta(1920, "text")])
    assert read_given(path).parts.tune.notes(0)[-1] == Note(8, 8, 64)
    sung, _ = harmonized(path, untrained)
    assert [t for t, m in sung if m.type == "note_off"] == [480, 960, 1920]
    path = save(tmp_path / "cut.mid", [*quarters((60, 62)), on(960, 64)])
    assert read_given(path).parts.tune.notes(0)[-1].pitch == 64
    assert [(t, m.note) for t, m in harmonized(path, untrained)[0] if m.type == "note_off"] == [
        (480, 60),
        (960, 62),
        (961, 64),
    ]


# One part on several channels


def in_turns(channels, pitches=PITCHES):
    """Quarters, each on the next of some channels."""
    events = []
    for i, pitch in enumerate(pitches):
        events += tune((480 * i, 480 * i + 480, pitch), channel=channels[i % len(channels)])
    return events


@pytest.mark.parametrize("channels", [(0, 1), (1, 2, 3), tuple(range(1, 9)), (0, 0, 0, 5)])
def test_channels_that_take_turns_are_one_part(tmp_path, untrained, channels):
    """MPE keyboards, guitars, and a violin that changes between arco and pizzicato write such
    files."""
    named = [meta(0, "track_name", name="Violin")]
    named += [
        (0, mido.Message("program_change", channel=c, program=45 if c == 5 else 40))
        for c in set(channels)
    ]
    bass = [meta(0, "track_name", name="Bass"), *quarters((40,) * 9, channel=10)]
    path = save(tmp_path / "tune.mid", [*named, *in_turns(channels)], bass)
    song = open_song(path)
    assert [(p.name, p.channels, len(p.notes)) for p in song.parts] == [
        ("Violin", frozenset(channels), 9),
        ("Bass", {10}, 9),
    ]
    sung, (kept,) = harmonized(path, untrained)
    assert [(t, m.note) for t, m in sung if m.type == "note_on"] == [
        (480 * i, pitch) for i, pitch in enumerate(PITCHES)
    ]
    assert len({m.channel for _, m in sung}) == 1
    assert {m.note for _, m in kept if m.type == "note_on"} == {40}


@pytest.mark.parametrize("strings", [4, 6])
def test_the_strings_of_a_guitar_are_one_part(tmp_path, strings):
    """Also if they are struck together."""
    events = [
        (0, mido.Message("program_change", channel=string, program=25)) for string in range(strings)
    ]
    for chord in range(4):
        for string, pitch in enumerate((64, 59, 55, 50, 45, 40)[:strings]):
            start = 480 * chord
            events += tune((start, start + 470, pitch + chord), channel=string)
    (part,) = open_song(save(tmp_path / "guitar.mid", events)).parts
    assert (part.name, part.channels, len(part.notes)) == (
        "",
        frozenset(range(strings)),
        4 * strings,
    )
    given = read_given(tmp_path / "guitar.mid")
    assert [n.pitch for n in given.parts.tune.notes(0)] == [64, 65, 66, 67]


@pytest.mark.parametrize("form", [0, 1])
def test_chords_of_an_mpe_keyboard_are_one_part(tmp_path, form):
    """Each note on the next free channel, whatever its pitch."""
    notes = [(480 * i, p - below) for i, p in enumerate(PITCHES) for below in (7, 0, 4)]
    members = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]
    events = []
    for number, (start, pitch) in enumerate(notes):
        events += tune((start, start + 470, pitch), channel=members[number % len(members)])
    path = save(tmp_path / "mpe.mid", events, form=form)
    assert [part.channels for part in open_song(path).parts] == [frozenset(members)]
    assert [n.pitch for n in read_given(path).parts.tune.notes(0)] == PITCHES


@pytest.mark.parametrize("form", [0, 1])
def test_a_band_in_one_track_is_not_one_part(tmp_path, form):
    events = []
    for channel, (program, pitch) in enumerate([(73, 76), (0, 64), (0, 60), (0, 55), (33, 40)]):
        events.append((0, mido.Message("program_change", channel=channel, program=program)))
        events += quarters((pitch,) * 4, channel=channel)
    path = save(tmp_path / "band.mid", events, form=form)
    assert [part.channels for part in open_song(path).parts] == [{c} for c in range(5)]


@pytest.mark.parametrize("form", [0, 1])
def test_channels_that_sound_together_are_parts(tmp_path, form):
    voices = enumerate((72, 64, 55, 48))
    events = [event for c, pitch in voices for event in quarters((pitch,) * 4, channel=c)]
    path = save(tmp_path / "four.mid", events, form=form)
    assert [part.name for part in open_song(path).parts] == [
        f"(channel {number})" for number in (1, 2, 3, 4)
    ]
    assert [n[0].pitch for n in map(midi_reader.read(path).notes, range(4))] == [72, 64, 55, 48]


def test_channels_of_format_0_stay_parts(tmp_path):
    path = save(tmp_path / "turns.mid", in_turns((0, 1)), form=0)
    assert [part.channels for part in open_song(path).parts] == [{0}, {1}]


# Grace notes


@pytest.mark.parametrize("shift", [0, 2, -1])
@pytest.mark.parametrize("length", [10, 30, 55])
def test_of_notes_in_one_sixteenth_the_model_reads_the_longest(tmp_path, shift, length):
    """A grace note on the beat or before it: the model reads the notes of the tune, in its key."""
    tuned = [67, 71, 74, 72, 71, 69, 67, 67]
    for early in (0, length):
        notes = []
        for i, pitch in enumerate(tuned, start=1):
            start = 480 * i - early
            notes += [
                (start, start + length, pitch + shift),
                (start + length, 480 * (i + 1) - early, pitch),
            ]
        path = save(tmp_path / "graced.mid", tune(*notes))
        assert [n.pitch for n in read_given(path).parts.tune.notes(0)] == tuned


def test_of_equally_long_notes_the_model_reads_the_nearest(tmp_path):
    path = save(tmp_path / "run.mid", tune((0, 50, 60), (50, 100, 62), (120, 240, 64)))
    assert [n.pitch for n in read_given(path).parts.tune.notes(0)] == [60, 64]


# The pedal


def test_pedalled_notes_sound_until_the_next_release(tmp_path):
    pedal = [(100, 127), (400, 0), (900, 64), (1000, 100), (1700, 63)]
    events = [(t, mido.Message("control_change", control=64, value=value)) for t, value in pedal]
    notes = tune((0, 50, 60), (50, 200, 62), (480, 600, 64), (700, 950, 65), (1000, 1700, 67))
    path = save(tmp_path / "pedal.mid", events + notes)
    ends = [n.sounds_until for n in open_song(path).parts[0].notes]
    assert ends == [50, 400, 600, 1700, 1700]


# Texts


TITLES = [
    ("Grüße aus Köln", "cp1252"),
    ("“Été” … Ténor", "cp1252"),
    ("荒城の月", "cp932"),
    ("メロディー", "cp932"),
    ("荒城", "cp932"),
    ("Песня без слов", "cp1251"),
    ("Ständchen 夜", "utf-8"),
]


@pytest.mark.parametrize(("title", "encoding"), TITLES)
def test_texts_are_shown_by_the_likeliest_encoding_and_written_as_they_were(
    tmp_path, untrained, title, encoding
):
    raw = title.encode(encoding).decode("latin-1")
    conductor = [meta(0, "track_name", name=raw), meta(0, "copyright", text=raw)]
    words = [meta(0, "lyrics", text=raw), *quarters(PITCHES)]
    path = save(tmp_path / "tune.mid", conductor, words)
    assert midi_reader.read(path).title == title
    with filler():
        (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    assert piece.chorale.title == title
    piece.write(tmp_path / "out.mid")
    first, soprano, *_ = mido.MidiFile(tmp_path / "out.mid").tracks
    assert first.name == raw
    assert [m.text for m in first if m.type == "copyright"] == [raw]
    assert [m.text for m in soprano if m.type == "lyrics"] == [raw]


@pytest.mark.parametrize("title", ["Ô", "ÉTÉ", "Ä", "Señor", "Café à la crème", "Noël"])
def test_western_texts_are_not_taken_for_others(tmp_path, title):
    raw = title.encode("cp1252").decode("latin-1")
    path = save(tmp_path / "tune.mid", [meta(0, "track_name", name=raw)], quarters(PITCHES))
    assert midi_reader.read(path).title == title


# Far away, and on channel 10


@pytest.mark.parametrize("times", [1, 3])
def test_a_marker_very_far_out_leaves_deltas_that_a_file_can_hold(tmp_path, untrained, times):
    far = mido.MidiTrack()
    for _ in range(times):
        far.append(mido.MetaMessage("marker", text="far", time=LONGEST_DELTA))
    file = mido.MidiFile(ticks_per_beat=480)
    song = mido.MidiTrack(mido.MidiFile(save(tmp_path / "tune.mid", quarters(PITCHES))).tracks[0])
    file.tracks += [far, song]
    file.save(tmp_path / "tune.mid")
    sung, _ = harmonized(tmp_path / "tune.mid", untrained)
    assert [m.note for _, m in sung if m.type == "note_on"] == PITCHES
    tracks = mido.MidiFile(tmp_path / "out.mid").tracks
    assert max(message.time for track in tracks for message in track) <= LONGEST_DELTA
    assert len({sum(message.time for message in track) for track in tracks}) == 1
    marked = [t for t, m in absolute(tracks[0]) if m.type == "marker"]
    assert marked == [LONGEST_DELTA * (i + 1) for i in range(times)]


def test_a_melody_on_the_drums_channel_can_be_chosen(tmp_path, untrained):
    drums = [meta(0, "track_name", name="Whistle"), *quarters(PITCHES, channel=9)]
    alone = save(tmp_path / "alone.mid", drums)
    with pytest.raises(ChoraleError, match=r"has only drums.*choose it with --track"):
        read_given(alone)
    with pytest.raises(ChoraleError, match=r"with notes are 1 'Whistle'"):
        read_given(alone, track="Flute")
    piano = [meta(0, "track_name", name="Piano"), *quarters((48,) * 9)]
    both = save(tmp_path / "both.mid", drums, piano)
    assert [n.pitch for n in read_given(both).parts.tune.notes(0)] == [48] * 9
    for path, track in [(alone, "1"), (alone, "whistle"), (both, "2"), (both, "Whistle")]:
        sung, others = harmonized(path, untrained, track=track)
        assert [m.note for _, m in sung if m.type == "note_on"] == PITCHES
        assert len(others) == (path == both)
