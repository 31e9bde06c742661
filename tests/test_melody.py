"""The melody's rights: what a user's melody file holds comes back event for event."""

import random

import mido
import numpy as np
import pytest
from midifiles import absolute, meta, save, tune

import musicae
from musicae.chorale import REST, VOICE_RANGES, Chorale, ChoraleError, Key, Meter, Note
from musicae.melody import read_melody
from musicae.pianoroll import WINDOW
from musicae.sampling import window_starts

SCALE = [0, 2, 4, 5, 7, 9, 11, 12]
OF_THE_SONG = ("set_tempo", "time_signature", "key_signature", "marker")


def varied_melody(path, seed):
    """A melody file unlike the others: resolution, format, meter, timing, texts, controllers."""
    rng = random.Random(seed)
    ppq = rng.choice([24, 96, 120, 192, 384, 480, 960, 15360])
    channel = rng.choice([0, 3, 15])
    numerator, denominator = rng.choice([(4, 4), (3, 4), (6, 8), (2, 2), (5, 4), (7, 8), (12, 8)])
    form = rng.choice([0, 1, 1])
    start = rng.choice([0, 0, ppq, 3 * ppq, 9 * ppq])
    song = [
        meta(0, "time_signature", numerator=numerator, denominator=denominator),
        meta(0, "set_tempo", tempo=rng.randrange(300_000, 1_200_000)),
        meta(0, "key_signature", key=rng.choice(["C", "Em", "Bb", "F#m", "Db"])),
        meta(rng.randrange(8 * ppq), "set_tempo", tempo=rng.randrange(300_000, 1_200_000)),
        meta(4 * ppq, "marker", text="verse"),
        meta(4 * ppq, "time_signature", numerator=3, denominator=4),
    ]
    melody = [meta(0, "track_name", name="Sung by me"), meta(start, "lyrics", text="A-")]
    melody.append((0, mido.Message("program_change", channel=channel, program=73)))
    tick, pitch = start, rng.randrange(40, 85)
    for _ in range(rng.randrange(1, 40)):
        length = max(1, round(ppq * rng.choice([1, 1, 2, 0.5, 1 / 3, 0.25, 0.125, 1.5])))
        human = rng.choice([0, 0, ppq // 40])
        begin = tick + rng.randint(0, human)
        end = max(begin + 1, tick + length + rng.choice([0, 0, human, -human]))
        if rng.random() < 0.9:
            off = rng.choice(["note_off", "note_on"])
            melody += tune((begin, end, pitch), channel=channel, off=off)
        tick += length
        pitch = min(100, max(30, pitch + rng.choice([-4, -3, -2, -1, 0, 1, 2, 3, 5])))
    melody += tune((tick, tick + ppq, pitch), channel=channel)
    melody.append((tick, mido.Message("control_change", channel=channel, control=11, value=70)))
    melody.append((tick, mido.Message("pitchwheel", channel=channel, pitch=200)))
    tracks = [song + melody] if form == 0 else [song, melody]
    return save(path, *tracks, ppq=ppq, form=form)


@pytest.mark.parametrize("seed", range(50))
def test_every_event_of_the_melody_comes_back(tmp_path, untrained, seed):
    given = varied_melody(tmp_path / "tune.mid", seed)
    (piece,) = musicae.harmonize(given, model=str(untrained["minibach"]), seed=seed)
    piece.write(tmp_path / "chorale.mid")
    before, after = mido.MidiFile(given), mido.MidiFile(tmp_path / "chorale.mid")
    assert after.ticks_per_beat == before.ticks_per_beat

    def of_the_song(file):
        events = [e for track in file.tracks[:1] for e in absolute(track)]
        return [(t, m) for t, m in events if m.type in OF_THE_SONG]

    def of_the_singer(track):
        return [
            (t, m if m.is_meta else m.copy(channel=0))
            for t, m in absolute(track)
            if m.type in ("note_on", "note_off", "lyrics", "pitchwheel", "control_change")
        ]

    assert of_the_song(after) == sorted(of_the_song(before), key=lambda e: e[0])
    assert of_the_singer(after.tracks[1]) == of_the_singer(before.tracks[-1])
    assert [track.name for track in after.tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert len({sum(m.time for m in track) for track in after.tracks}) == 1


def test_the_model_hears_the_quantized_melody(tmp_path):
    humanised, triplets = [(7, 470, 60), (485, 950, 62)], [(960, 1120, 64), (1120, 1280, 65)]
    path = save(tmp_path / "played.mid", tune(*humanised, *triplets, (1280, 1440, 67)))
    melody = read_melody(path)
    assert melody.tune.notes(0) == [
        Note(0, 4, 60),
        Note(4, 4, 62),
        Note(8, 1, 64),
        Note(9, 2, 65),
        Note(11, 1, 67),
    ]
    assert any("2 of 5 notes begin off the sixteenth grid" in n for n in melody.notices)
    assert any("4/4 is assumed" in n for n in melody.notices)


def test_breaths_are_closed_and_rests_are_kept(tmp_path):
    notes = [(0, 360, 60), (480, 900, 62), (1440, 1920, 64)]
    melody = read_melody(save(tmp_path / "sung.mid", tune(*notes)))
    assert melody.tune.notes(0) == [Note(0, 4, 60), Note(4, 4, 62), Note(12, 4, 64)]


def test_top_notes_of_chords_are_the_melody(tmp_path, untrained):
    chords = tune((0, 480, 72), (0, 480, 64), (3, 480, 60), (450, 960, 71), (480, 960, 62))
    path = save(tmp_path / "piano.mid", chords)
    melody = read_melody(path)
    assert [n.pitch for n in melody.tune.notes(0)] == [72, 71]
    assert "track 1 has chords; its top notes are the melody (3 lower notes left out)" in (
        melody.notices
    )
    (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    piece.write(tmp_path / "out.mid")
    soprano = absolute(mido.MidiFile(tmp_path / "out.mid").tracks[1])
    events = [(t, m.type, m.note) for t, m in soprano if m.type.startswith("note")]
    assert events == [
        (0, "note_on", 72),
        (450, "note_on", 71),
        (480, "note_off", 72),
        (960, "note_off", 71),
    ]


@pytest.mark.parametrize(("lowest", "shift"), [(36, 24), (48, 12), (60, 0), (80, -12), (96, -36)])
def test_other_octaves_move_the_other_voices_along(tmp_path, untrained, lowest, shift):
    notes = [(i * 480, (i + 1) * 480, lowest + p) for i, p in enumerate(SCALE)]
    path = save(tmp_path / "scale.mid", tune(*notes))
    melody = read_melody(path)
    assert melody.shift == shift
    (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    assert [n.pitch for n in piece.chorale.notes(0)] == [lowest + p for p in SCALE]
    for voice, (low, high) in enumerate(VOICE_RANGES[1:], start=1):
        sung = [n.pitch + shift for n in piece.chorale.notes(voice)]
        assert low <= min(sung) <= max(sung) <= high


def test_melodies_wider_than_a_soprano_are_folded_for_the_model_only(tmp_path):
    melody = read_melody(
        save(tmp_path / "wide.mid", tune((0, 480, 50), (480, 960, 62), (960, 1920, 85)))
    )
    low, high = VOICE_RANGES[0]
    sung = melody.sung.pitch[:, 0]
    assert low <= sung.min() <= sung.max() <= high
    assert np.array_equal(sung % 12, melody.tune.pitch[:, 0] % 12)
    assert any("wider than the soprano's range" in notice for notice in melody.notices)


def band(path):
    return save(
        path,
        [meta(0, "track_name", name="My song")],
        [meta(0, "track_name", name="Bass guitar"), *tune((0, 1920, 40), channel=1)],
        [meta(0, "track_name", name="Flute"), *tune((0, 1920, 76), channel=2)],
        [meta(0, "track_name", name="Lead vocal"), *tune((0, 1920, 67), channel=3)],
        [meta(0, "track_name", name="Kit"), *tune((0, 480, 38), channel=9)],
    )


def test_the_melody_is_found_by_the_name_of_its_track(tmp_path):
    melody = read_melody(band(tmp_path / "band.mid"))
    assert melody.tune.notes(0) == [Note(0, 16, 67)]
    assert melody.notices[0] == (
        "the melody is taken from track 3 'Lead vocal'; left out: 1 'Bass guitar', 2 'Flute'"
        " (choose with --track)"
    )


@pytest.mark.parametrize(("track", "pitch"), [("2", 76), ("flute", 76), ("Bass", 40)])
def test_the_track_can_be_chosen(tmp_path, track, pitch):
    melody = read_melody(band(tmp_path / "band.mid"), track=track)
    assert melody.tune.notes(0) == [Note(0, 16, pitch)]


def test_a_track_that_is_not_there(tmp_path):
    with pytest.raises(ChoraleError, match=r"no single track is 'Oboe'; with notes there are 1 'B"):
        read_melody(band(tmp_path / "band.mid"), track="Oboe")


def test_else_the_highest_line_is_the_melody(tmp_path):
    path = save(tmp_path / "two.mid", tune((0, 480, 48), channel=0), tune((0, 480, 72), channel=1))
    assert read_melody(path).tune.notes(0) == [Note(0, 4, 72)]


def test_lyrics_of_a_karaoke_track_are_kept(tmp_path, untrained):
    words = [
        meta(0, "track_name", name="Words"),
        meta(0, "lyrics", text="Freu"),
        meta(480, "lyrics", text="de"),
    ]
    path = save(tmp_path / "song.mid", words, tune((0, 480, 67), (480, 960, 67)))
    (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    piece.write(tmp_path / "out.mid")
    soprano = absolute(mido.MidiFile(tmp_path / "out.mid").tracks[1])
    assert [(t, m.text) for t, m in soprano if m.type == "lyrics"] == [(0, "Freu"), (480, "de")]


def test_a_given_key_is_written_where_the_file_has_none(tmp_path, untrained):
    path = save(tmp_path / "tune.mid", tune((0, 1920, 67)))
    (piece,) = musicae.harmonize(path, key="G minor", model=str(untrained["minibach"]))
    assert piece.chorale.key == Key.parse("G minor")
    piece.write(tmp_path / "out.mid")
    for track in mido.MidiFile(tmp_path / "out.mid").tracks:
        assert [m.key for m in track if m.type == "key_signature"] == ["Gm"]


def test_the_soprano_of_a_chorale_can_be_harmonized(untrained):
    hymn = Chorale.from_notes([[(0, 16, 67), (16, 16, 66)], [(0, 32, 60)]], title="Hymn")
    first, second = musicae.harmonize(hymn, 2, model=str(untrained["minibach"]), temperature=1)
    assert first.chorale.notes(0) == second.chorale.notes(0) == hymn.notes(0)
    assert first.chorale != second.chorale
    assert first.chorale.title == "Hymn"


def test_all_voices_rest_with_the_melody(tmp_path, untrained):
    path = save(tmp_path / "late.mid", tune((1920, 3840, 67), (7680, 9600, 67)))
    (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    for bar in (1, 3, 4):
        measure = piece.chorale.measures[bar - 1]
        assert (piece.chorale.pitch[measure.start : measure.start + measure.length] == REST).all()
    assert (piece.chorale.pitch[[16, 64]] != REST).all(), "they come back with it"


@pytest.mark.parametrize(
    "meters", [(Meter(0, 4, 4),), (Meter(0, 23, 4),), (Meter(0, 3, 4), Meter(12, 100, 4))]
)
@pytest.mark.parametrize("steps", [1, 63, 64, 65, 400])
def test_windows_cover_every_step_whatever_the_bars(meters, steps):
    piece = Chorale.from_notes(
        [[(0, steps, 67)]], meters=[m for m in meters if m.step < steps], pickup=3
    )
    starts = window_starts(piece)
    covered = {step for start in starts for step in range(start, start + WINDOW)}
    assert set(range(steps)) <= covered
    assert starts[-1] < steps


def test_seeds_make_the_same_again(untrained):
    hymn = Chorale.from_notes([[(0, 100, 67)]])
    model = str(untrained["minibach"])
    again = [musicae.harmonize(hymn, 2, seed=5, model=model, temperature=1) for _ in range(2)]
    assert [p.chorale for p in again[0]] == [p.chorale for p in again[1]]
    other = musicae.harmonize(hymn, 2, seed=6, model=model, temperature=1)
    assert other[0].chorale != again[0][0].chorale
