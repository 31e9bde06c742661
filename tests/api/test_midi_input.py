"""Given parts: every event of the user's file comes back unchanged."""

import random

import mido
import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import musicae
from musicae.api.midi_input import read_given
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.minibach import window_starts
from musicae.encoding.tokens import WINDOW
from musicae.io import midi_writer
from musicae.theory.harmonic_analysis import markers
from tests.support.filling import GENERATED, filler, overlaps, play, played_notes, voices_only
from tests.support.midifiles import absolute, meta, save, tune
from tests.support.passages import passage
from tests.support.strategies import chorales

SCALE = [0, 2, 4, 5, 7, 9, 11, 12]
OF_THE_SONG = ("set_tempo", "time_signature", "key_signature", "marker")


def varied_melody(path, seed):
    """A melody file with unusual resolution, format, meter, timing, texts and controllers."""
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


def test_the_model_reads_the_quantized_melody(tmp_path):
    humanised, triplets = [(7, 470, 60), (485, 950, 62)], [(960, 1120, 64), (1120, 1280, 65)]
    path = save(tmp_path / "played.mid", tune(*humanised, *triplets, (1280, 1440, 67)))
    melody = read_given(path)
    assert melody.parts.tune.notes(0) == [
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
    melody = read_given(save(tmp_path / "sung.mid", tune(*notes)))
    assert melody.parts.tune.notes(0) == [Note(0, 4, 60), Note(4, 4, 62), Note(12, 4, 64)]


def test_top_notes_of_chords_are_the_melody(tmp_path, untrained):
    chords = tune((0, 480, 72), (0, 480, 64), (3, 480, 60), (450, 960, 71), (480, 960, 62))
    path = save(tmp_path / "piano.mid", chords)
    melody = read_given(path)
    assert [n.pitch for n in melody.parts.tune.notes(0)] == [72, 71]
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
    melody = read_given(path)
    assert melody.parts.shift == shift
    (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
    assert [n.pitch for n in piece.chorale.notes(0)] == [lowest + p for p in SCALE]
    for voice, (low, high) in enumerate(VOICE_RANGES[1:], start=1):
        sung = [n.pitch + shift for n in piece.chorale.notes(voice)]
        assert low <= min(sung) <= max(sung) <= high


def test_melodies_wider_than_a_soprano_are_folded_for_the_model_only(tmp_path):
    melody = read_given(
        save(tmp_path / "wide.mid", tune((0, 480, 50), (480, 960, 62), (960, 1920, 85)))
    )
    low, high = VOICE_RANGES[0]
    sung = melody.parts.in_range.pitch[:, 0]
    assert low <= sung.min() <= sung.max() <= high
    assert np.array_equal(sung % 12, melody.parts.tune.pitch[:, 0] % 12)
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
    melody = read_given(band(tmp_path / "band.mid"))
    assert melody.parts.tune.notes(0) == [Note(0, 16, 67)]
    assert melody.notices[0] == (
        "the melody is taken from track 3 'Lead vocal'; others: 1 'Bass guitar', 2 'Flute'"
        " (choose with --track)"
    )


@pytest.mark.parametrize(("track", "pitch"), [("2", 76), ("flute", 76), ("Bass", 40)])
def test_the_track_can_be_chosen(tmp_path, track, pitch):
    melody = read_given(band(tmp_path / "band.mid"), track=track)
    assert melody.parts.tune.notes(0) == [Note(0, 16, pitch)]


def test_a_missing_track_is_named(tmp_path):
    with pytest.raises(
        ChoraleError,
        match=r"no track has the number or name 'Oboe'; the tracks with notes are 1 'B",
    ):
        read_given(band(tmp_path / "band.mid"), track="Oboe")


def test_without_names_the_highest_part_is_the_melody(tmp_path):
    path = save(tmp_path / "two.mid", tune((0, 480, 48), channel=0), tune((0, 480, 72), channel=1))
    assert read_given(path).parts.tune.notes(0) == [Note(0, 4, 72)]


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


def test_a_given_key_is_written_if_the_file_has_none(tmp_path, untrained):
    path = save(tmp_path / "tune.mid", tune((0, 1920, 67)))
    (piece,) = musicae.harmonize(path, key="G minor", model=str(untrained["minibach"]))
    assert piece.chorale.key == Key.parse("G minor")
    piece.write(tmp_path / "out.mid")
    for track in mido.MidiFile(tmp_path / "out.mid").tracks:
        assert [m.key for m in track if m.type == "key_signature"] == ["Gm"]


def test_a_key_that_was_found_stands_in_scores_and_not_in_the_melodys_own_file(tmp_path, model):
    path = save(
        tmp_path / "tune.mid", tune(*[(480 * i, 480 * i + 480, 67 + i % 5) for i in range(8)])
    )
    (piece,) = musicae.harmonize(path, model=str(model))
    assert str(piece.chorale.key) == piece.provenance["key"]
    piece.write(tmp_path / "out.musicxml")
    assert musicae.read(tmp_path / "out.musicxml").key == piece.chorale.key
    piece.write(tmp_path / "out.mid")
    assert musicae.read(tmp_path / "out.mid").key is None


def test_roman_numerals_are_those_of_the_new_harmony(tmp_path, untrained):
    """Numerals of the old harmony are removed; the musician's own markers stay."""
    path = save(tmp_path / "tune.mid", [meta(0, "marker", text="verse")], tune(
        *[(480 * i, 480 * i + 480, 67 + i % 5) for i in range(8)]
    ))  # fmt: skip
    harmonizer = str(untrained["harmonizer"])
    (piece,) = musicae.harmonize(path, model=harmonizer)
    piece.write(tmp_path / "once.mid", analysis=True)
    (again,) = musicae.harmonize(tmp_path / "once.mid", voice="soprano", seed=9, model=harmonizer)
    for analysis in (True, False):
        again.write(tmp_path / "twice.mid", analysis=analysis)
        texts = [
            m.text for m in mido.MidiFile(tmp_path / "twice.mid").tracks[0] if m.type == "marker"
        ]
        new = [text for _, text in markers(again.labels())] if analysis else []
        assert sorted(texts) == sorted(["verse", *new])


def test_a_meter_is_given_to_a_file_that_states_none(tmp_path, model):
    path = save(tmp_path / "waltz.mid", tune(*[(480 * i, 480 * i + 480, 67) for i in range(12)]))
    (piece,) = musicae.harmonize(path, meter="3/4", model=str(model))
    assert piece.chorale.meters == (Meter(0, 3, 4),)
    assert piece.notices == ()
    assert piece.provenance["meter"] == "3/4"
    piece.write(tmp_path / "out.mid")
    assert musicae.read(tmp_path / "out.mid").bar_count == 4
    assert played_notes(tmp_path / "out.mid")["Soprano"] == [
        (480 * i, 480 * i + 480, 67, 90) for i in range(12)
    ]


@pytest.mark.parametrize(
    ("meter", "complaint"),
    [
        ("3/4", r"waltz\.mid: states its own meter; leave out --meter"),
        ("waltz", "'waltz' is not a meter; write it like 3/4"),
    ],
)
def test_impossible_meters_are_refused(tmp_path, model, meter, complaint):
    stated = [meta(0, "time_signature", numerator=6, denominator=8), *tune((0, 1440, 67))]
    path = save(tmp_path / "waltz.mid", stated)
    with pytest.raises(ChoraleError, match=complaint):
        musicae.harmonize(path, meter=meter, model=str(model))


def test_the_soprano_of_a_chorale_can_be_harmonized(untrained):
    hymn = Chorale.from_notes([[(0, 16, 67), (16, 16, 66)], [(0, 32, 60)]], title="Hymn")
    first, second = musicae.harmonize(
        hymn, 2, model=str(untrained["minibach"]), temperature=1, voice="soprano"
    )
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
    "meters",
    [
        (Meter(0, 4, 4),),
        (Meter(0, 23, 4),),
        (Meter(0, 63, 2),),
        (Meter(0, 3, 4), Meter(12, 100, 4)),
    ],
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
    assert all(start + WINDOW > 0 for start in starts)


def test_a_seed_gives_the_same_harmonization(untrained):
    hymn = Chorale.from_notes([[(0, 100, 67)]])
    model = str(untrained["minibach"])
    again = [musicae.harmonize(hymn, 2, seed=5, model=model, temperature=1) for _ in range(2)]
    assert [p.chorale for p in again[0]] == [p.chorale for p in again[1]]
    other = musicae.harmonize(hymn, 2, seed=6, model=model, temperature=1)
    assert other[0].chorale != again[0][0].chorale


# Other parts than a melody, several of them, and some bars of a chorale


@pytest.fixture(scope="module")
def model(untrained):
    return str(untrained["minibach"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("given")


def filled_in(path, out, model, pitches=None, **wishes):
    """The piece, and the notes ``(start, end, pitch, velocity)`` that come back, by voice."""
    with filler(pitches):
        (piece,) = musicae.harmonize(path, model=model, **wishes)
    piece.write(out)
    musicae.read(out)
    return piece, played_notes(out)


def by_voice(chorale, path):
    """A chorale's file with each voice on a track of its own, at 480 ticks a quarter."""
    midi_writer.write(chorale, path)
    return path


@settings(max_examples=40)
@given(chorales(), st.sets(st.integers(0, 3), min_size=1), st.randoms(use_true_random=False))
def test_every_locked_note_comes_back(folder, model, piece, locked, rng):
    locked = sorted(v for v in locked if piece.notes(v))
    assume(locked)
    path = by_voice(piece, folder / "given.mid")
    play(path, rng)
    before = played_notes(path)
    try:
        lock = [VOICES[v].lower() for v in locked]
        made, after = filled_in(path, folder / "out.mid", model, lock=lock)
    except ChoraleError as error:
        if "nothing is left to fill" not in str(error):
            raise
        reject()
    for v in locked:
        own = [note for note in after[VOICES[v]] if note[3] != GENERATED]
        assert own == before[VOICES[v]]
        assert not overlaps(after[VOICES[v]])
        if v == 0:
            assert own == after[VOICES[v]]
    for v in set(range(4)) - set(locked):
        assert all(note[3] == GENERATED for note in after.get(VOICES[v], []))
    assert made.provenance["lock"] == lock


@settings(max_examples=40)
@given(
    chorales(),
    st.none() | st.sets(st.integers(0, 3)),
    st.randoms(use_true_random=False),
    st.data(),
)
def test_bars_keep_everything_else(folder, model, piece, locked, rng, data):
    path = by_voice(piece, folder / "finished.mid")
    piece = musicae.read(path)
    there = {v for v in range(4) if piece.notes(v)}
    assume(there)
    play(path, rng)
    before = played_notes(path)
    numbers = st.integers(0, len(piece.measures) - 1)
    first, last = sorted([data.draw(numbers), data.draw(numbers)])
    start = piece.measures[first].start
    stop = piece.measures[last].start + piece.measures[last].length
    lock = None if locked is None else [VOICES[v] for v in locked & there]
    locked = {0} & there if locked is None else locked & there
    bars = tuple(i + (0 if piece.pickup else 1) for i in (first, last))
    try:
        made, after = filled_in(path, folder / "again.mid", model, bars=bars, lock=lock)
    except ChoraleError as error:
        if "nothing is left to fill" not in str(error):
            raise
        reject()
    for v in there:
        kept = {
            note
            for note, (step, duration, _) in zip(before[VOICES[v]], piece.notes(v), strict=True)
            if v in locked or step < start or step + duration > stop
        }
        found = after.get(VOICES[v], [])
        assert {note for note in found if note[3] != GENERATED} == kept
        assert not overlaps(found)
    for v in range(4):
        written = set(made.chorale.notes(v)) - set(piece.notes(v))
        for note in written:
            changed = note.step < start or note.step + note.duration > stop
            # Short rests between kept notes are closed for the model, as a melody's are.
            assert not changed or note.step in {n.step for n in piece.notes(v)}


GAPS = """
S  C5 D5 E5 F5  G5 F5 E5 D5  C5 -- -- --
B  C3 .. C3 C3  .. .. .. ..  .. C3 C3 --
"""


def test_the_gaps_of_a_bass_are_filled_from_a_bar_on(tmp_path, model):
    path = by_voice(passage(GAPS), tmp_path / "outer.mid")
    outer = read_given(path)
    assert "".join("k" if k else "." for k in outer.parts.known[::4, 3]) == "kkkk.....kkk"
    assert outer.parts.known[:, 0].all()
    assert not outer.parts.known[:, 1:3].any()
    piece, after = filled_in(path, tmp_path / "out.mid", model)
    assert set(played_notes(path)["Bass"]) <= set(after["Bass"])
    assert played_notes(path)["Soprano"] == after["Soprano"]
    written = set(after["Bass"]) - set(played_notes(path)["Bass"])
    assert written
    assert all(1920 <= start < end <= 4320 for start, end, *_ in written)
    assert piece.notices == (
        "given: soprano, bass, from tracks 1 'Soprano', 2 'Bass' (choose with --lock)",
    )


def test_a_single_part_named_after_a_voice_is_that_voice(tmp_path, model):
    bass = [meta(0, "track_name", name="Bass"), *tune((0, 480, 48), (480, 1920, 43), channel=5)]
    path = save(tmp_path / "bass.mid", bass)
    piece, after = filled_in(path, tmp_path / "out.mid", model)
    assert after["Bass"] == [(0, 480, 48, 90), (480, 1920, 43, 90)]
    assert piece.chorale.notes(3) == [Note(0, 4, 48), Note(4, 12, 43)]
    assert piece.notices[0] == "track 1 'Bass' is taken for the bass (choose with --voice)"
    assert list(read_given(path, voice="soprano").preserved.parts) == [0]


def test_a_given_bass_comes_back_event_for_event(tmp_path, model):
    events = [
        meta(0, "track_name", name="Cello"),
        meta(0, "lyrics", text="Doh"),
        (0, mido.Message("program_change", channel=2, program=42)),
        (240, mido.Message("control_change", channel=2, control=11, value=99)),
        *tune((3, 475, 50), (481, 970, 43), channel=2),
    ]
    path = save(tmp_path / "cello.mid", [meta(0, "marker", text="A")], events, ppq=480)
    _, after = filled_in(path, tmp_path / "out.mid", model, voice="bass")
    assert list(after)[-1] == "Bass"
    track = absolute(mido.MidiFile(tmp_path / "out.mid").tracks[4])
    own = [(t, m if m.is_meta else m.copy(channel=2)) for t, m in track]
    given_events = [e for e in events[1:] if e[1].type != "program_change"]
    assert sorted(given_events, key=lambda e: e[0]) == [
        (t, m) for t, m in own if m.type not in ("track_name", "program_change", "end_of_track")
    ]


@pytest.mark.parametrize(("lowest", "shift"), [(12, 24), (24, 12), (40, 0), (60, -12)])
def test_a_bass_in_another_octave_moves_the_other_voices(tmp_path, model, lowest, shift):
    notes = [(i * 480, (i + 1) * 480, lowest + p) for i, p in enumerate(SCALE)]
    path = save(tmp_path / "scale.mid", tune(*notes))
    piece, after = filled_in(path, tmp_path / "out.mid", model, voice="bass")
    assert piece.given.parts.shift == shift
    assert [n.pitch for n in piece.chorale.notes(3)] == [lowest + p for p in SCALE]
    assert [n[2] for n in after["Bass"]] == [lowest + p for p in SCALE]
    low, high = VOICE_RANGES[0]
    assert all(low <= n.pitch + shift <= high for n in piece.chorale.notes(0))


def four_parts(path, names=VOICES, extra=()):
    """A file of one bar. Each part has one whole note and the given name."""
    pitches = [72, 64, 55, 48]
    tracks = [
        [meta(0, "track_name", name=name), *tune((0, 1920, pitch), channel=i)]
        for i, (name, pitch) in enumerate(zip(names, pitches, strict=False))
    ]
    return save(path, *tracks, *extra)


def test_a_finished_chorale_leaves_nothing_to_fill(tmp_path, model):
    path = four_parts(tmp_path / "hymn.mid")
    hint = r"hymn.mid: all four .* rewrite some bars \(--bars 5-8\) or .* \(--voice soprano\)"
    with pytest.raises(ChoraleError, match=hint):
        musicae.harmonize(path, model=model)
    piece, _ = filled_in(path, tmp_path / "out.mid", model, voice="soprano")
    assert piece.notices[0] == (
        "the melody is taken from track 1 'Soprano'; others: 2 'Alto', 3 'Tenor', 4 'Bass'"
        " (choose with --track)"
    )


@pytest.mark.parametrize(
    ("names", "voices"),
    [
        (["Sopranos", "ALTO 1", "Tenor (men)", "B"], [0, 1, 2, 3]),
        (["S", "Piano left", "T.", "Bassoon"], [0, 2]),
        (["Bass guitar", "Flute", "Lead vocal"], [0]),
        (["Bassoon", "Choir"], [0]),
        (["Alto 2", "alto", "Tenor"], [1, 2]),
    ],
)
def test_parts_are_given_by_the_names_of_their_tracks(tmp_path, names, voices):
    path = four_parts(tmp_path / "choir.mid", names)
    if len(voices) == 4:
        with pytest.raises(ChoraleError, match="all four voices are given"):
            read_given(path)
        return
    found = read_given(path)
    assert list(found.preserved.parts) == voices
    if 1 in voices:
        assert found.preserved.parts[1].name == "alto"


def test_a_notice_names_the_parts_outside_a_lock(tmp_path):
    path = four_parts(tmp_path / "hymn.mid")
    found = read_given(path, lock="alto,bass")
    assert list(found.preserved.parts) == [1, 3]
    assert found.notices[0] == (
        "given: alto, bass, from tracks 2 'Alto', 4 'Bass'; others: 1 'Soprano', 3 'Tenor'"
        " (choose with --lock)"
    )


def test_four_unnamed_parts_are_voices_if_voices_are_locked(tmp_path):
    path = four_parts(tmp_path / "hymn.mid", ["", "", "", ""])
    assert list(read_given(path).preserved.parts) == [0]
    assert [p.notes[0].pitch for p in read_given(path, lock=["bass"]).preserved.parts.values()] == [
        48
    ]
    assert list(read_given(path, bars="1").preserved.parts) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        (
            {"lock": "soprano,tenor"},
            "no track is named Tenor; the tracks with notes are 1 'Soprano'",
        ),
        ({"bars": "2"}, "choir.mid: bars 2 to 2 are not all in the piece, which has 1 bars"),
        ({"track": "1", "lock": "soprano"}, "--track chooses a single melody"),
        ({"voice": "bass", "lock": "soprano"}, "--voice keeps one part"),
    ],
)
def test_missing_locks_and_bars_are_refused(tmp_path, wishes, complaint):
    path = four_parts(tmp_path / "choir.mid", ["Soprano", "Alto"])
    with pytest.raises(ChoraleError) as refusal:
        read_given(path, **wishes)
    assert complaint in str(refusal.value)


def test_parts_that_cannot_be_distinguished_are_refused(tmp_path):
    path = four_parts(tmp_path / "trio.mid", ["", "Piano", "x"])
    with pytest.raises(ChoraleError, match=r"with notes are 1, 2 'Piano', 3 'x'; name them S"):
        read_given(path, bars="1")


def test_chords_in_locked_parts_are_kept(tmp_path, model):
    divided = tune((0, 1920, 60), (0, 1920, 64), (1920, 3840, 62), channel=1)
    path = save(tmp_path / "divisi.mid", [meta(0, "track_name", name="Alto"), *divided],
                [meta(0, "track_name", name="Bass"), *tune((0, 3840, 48), channel=2)])  # fmt: skip
    piece, after = filled_in(path, tmp_path / "out.mid", model)
    assert sorted(after["Alto"]) == sorted(played_notes(path)["Alto"])
    assert piece.chorale.notes(1) == [Note(0, 16, 64), Note(16, 16, 62)]
    assert (
        "track Alto has chords; its top notes are the alto (1 lower note kept, but ignored"
        in (piece.notices[1])
    )


def test_written_notes_make_room_for_kept_ones_played_over_the_grid(tmp_path, model):
    """The second bar is written again, with the pitches of the notes around it."""
    names = [meta(0, "track_name", name="Soprano")], [meta(0, "track_name", name="Alto")]
    soprano = tune((0, 1920, 72), (1920, 3840, 72), (3840, 5760, 72))
    alto = tune((0, 1960, 64), (1970, 3790, 65), (3800, 5760, 64), channel=1)
    path = save(tmp_path / "legato.mid", names[0] + soprano, names[1] + alto)
    _, after = filled_in(path, tmp_path / "out.mid", model, [72, 64, 55, 48], bars="2")
    assert after["Alto"] == [(0, 1960, 64, 90), (1960, 3800, 64, 80), (3800, 5760, 64, 90)]
    assert after["Tenor"] == [(1920, 3840, 55, 80)], "outside the bars silence stays, too"
    track = absolute(mido.MidiFile(tmp_path / "out.mid").tracks[2])
    kinds = [m.type for _, m in track if m.type.startswith("note")]
    assert kinds == ["note_on", "note_off"] * 3


def test_bars_are_numbered_as_those_of_the_chorale(tmp_path, model):
    """musicae marks silence at the beginning in its own files, and counts its bars."""
    late = Chorale.from_notes([[(4, 12, 72), (16, 16, 74)], [(4, 12, 60), (16, 16, 62)]], steps=48)
    path = by_voice(late, tmp_path / "late.mid")
    piece, _ = filled_in(path, tmp_path / "out.mid", model, [70, 58, 55, 48], bars="2")
    assert len(piece.chorale) == 48
    assert piece.chorale.notes(1) == [Note(4, 12, 60), Note(16, 16, 58)]
    assert musicae.read(tmp_path / "out.mid") == piece.chorale.__class__(
        piece.chorale.pitch, piece.chorale.onset, title="late"
    )


def test_channels_of_format_0_are_parts(tmp_path, model):
    words = meta(0, "lyrics", text="La")
    both = [words, *tune((0, 1920, 72), channel=3), *tune((0, 1920, 48), channel=7)]
    path = save(tmp_path / "one.mid", both, form=0)
    piece, after = filled_in(path, tmp_path / "out.mid", model)
    assert after["Soprano"] == [(0, 1920, 72, 90)]
    assert list(piece.given.preserved.parts) == [0]


def test_a_pair_of_parts_is_written_on_the_voices_channels(tmp_path, model):
    path = by_voice(voices_only(passage(GAPS), (3,)), tmp_path / "bass.mid")
    filled_in(path, tmp_path / "out.mid", model)
    tracks = mido.MidiFile(tmp_path / "out.mid").tracks
    assert [t.name for t in tracks[1:]] == list(VOICES)
    for v, track in enumerate(tracks[1:]):
        assert {m.channel for m in track if not m.is_meta} == {v}
        assert sum(m.type == "program_change" for m in track) == 1
