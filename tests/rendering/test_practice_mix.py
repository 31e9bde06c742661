"""Practice mixes as MIDI: levels, places, clicks, first notes, tempi and the voice's events."""

import math

import mido
import pytest

from musicae.io.choir import read_choir
from musicae.io.midi_file import TempoMap, to_bytes
from musicae.rendering.practice_mix import ALL, ALONE, FRONT, WITHOUT, Rehearsal, mixes_of
from tests.support.midifiles import meta, save, tune

Q = 480
NAMES = ("Soprano", "Alto", "Tenor", "Bass")
PITCHES = (72, 67, 60, 48)


def hymn(path, first=0, extra=(), names=NAMES):
    """Two bars of 3/4 with half a second a quarter; the first note may be a pickup."""
    conductor = [meta(0, "time_signature", numerator=3, denominator=4), *extra]
    tracks = []
    for v, name in enumerate(names):
        notes = [(first, 3 * Q, PITCHES[v % 4]), (3 * Q, 6 * Q, PITCHES[v % 4] + 2)]
        tracks.append([meta(0, "track_name", name=name), *tune(*notes, channel=v % 4)])
    return read_choir(save(path / "hymn.mid", conductor, *tracks))


def events(track, kind):
    return [(e.tick, e.message) for e in track if e.message.type == kind]


def named(arrangement):
    """The tracks after the conductor's by their names."""
    return {t[0].message.name: t for t in arrangement.tracks[1:]}


def controllers(track):
    return {m.control: m.value for _, m in events(track, "control_change")}


def mix(voices, kind, voice=None):
    return next(m for m in mixes_of(voices) if (m.kind, m.voice) == (kind, voice))


def test_others_are_12_db_softer_and_at_the_sides_of_the_voice_in_front(tmp_path):
    tracks = named(Rehearsal(hymn(tmp_path), 100).mix(mix(4, FRONT, 1)))
    found = {name: controllers(tracks[name]) for name in NAMES}
    assert found["Alto"] == {7: 127, 10: 64}
    others = [found[name] for name in NAMES if name != "Alto"]
    for each in others:
        assert 40 * math.log10(each[7] / 127) == pytest.approx(-12, abs=0.1)
    assert [each[10] for each in others] == [24, 104, 48]


def test_alone_without_and_all_together(tmp_path):
    rehearsal = Rehearsal(hymn(tmp_path), 100)
    alone = named(rehearsal.mix(mix(4, ALONE, 3)))
    assert list(alone) == ["Bass", "Clicks", "First note"]
    assert controllers(alone["Bass"]) == {7: 127, 10: 64}
    without = named(rehearsal.mix(mix(4, WITHOUT, 0)))
    assert list(without) == ["Alto", "Tenor", "Bass", "Clicks", "First note"]
    together = named(rehearsal.mix(mix(4, ALL)))
    assert [controllers(together[name]) for name in NAMES] == [
        {7: 127, 10: place} for place in (24, 51, 77, 104)
    ]


@pytest.mark.parametrize("voices", range(2, 13))
def test_no_voice_stands_where_the_one_in_front_does(voices):
    for each in mixes_of(voices):
        assert len(set(each.places)) == voices or each.kind != FRONT
        assert all(0 < place < 128 for place in each.places)


def test_a_bar_of_clicks_and_the_first_note_come_before_the_music(tmp_path):
    made = Rehearsal(hymn(tmp_path), 100).mix(mix(4, WITHOUT, 2))
    tracks = named(made)
    clicks = events(tracks["Clicks"], "note_on")
    assert [(tick, m.channel, m.note) for tick, m in clicks] == [
        (0, 9, 76),
        (Q, 9, 77),
        (2 * Q, 9, 77),
    ]
    ((tick, message),) = events(tracks["First note"], "note_on")
    assert (tick, message.note) == (0, PITCHES[2]), "the tenor's, though it is left out"
    assert [tick for tick, _ in events(tracks["Alto"], "note_on")] == [3 * Q, 6 * Q]
    assert made.end == 9 * Q
    together = named(Rehearsal(hymn(tmp_path), 100).mix(mix(4, ALL)))
    assert [m.note for _, m in events(together["First note"], "note_on")] == sorted(PITCHES)


def test_before_a_pickup_the_clicks_go_on_to_it(tmp_path):
    made = Rehearsal(hymn(tmp_path, first=2 * Q), 100).mix(mix(4, ALL))
    tracks = named(made)
    assert [tick // Q for tick, _ in events(tracks["Clicks"], "note_on")] == [0, 1, 2, 3, 4]
    assert [tick // Q for tick, _ in events(tracks["Alto"], "note_on")] == [5, 6]
    meters = events(made.tracks[0], "time_signature")
    assert [(tick, m.numerator) for tick, m in meters] == [(0, 3)]


def test_a_slower_tempo_scales_every_tempo(tmp_path):
    extra = [meta(0, "set_tempo", tempo=600_000), meta(3 * Q, "set_tempo", tempo=300_000)]
    choir = hymn(tmp_path, extra=extra)
    own, slower = (Rehearsal(choir, percent).mix(mix(4, ALL)) for percent in (100, 75))
    assert [(t, m.tempo) for t, m in events(slower.tracks[0], "set_tempo")] == [
        (0, 800_000),
        (6 * Q, 400_000),
    ]
    seconds = [float(TempoMap.of(each).seconds(each.end)) for each in (own, slower)]
    assert seconds == [pytest.approx(4.5), pytest.approx(6)]


def test_a_voice_keeps_its_own_events_but_for_volume_and_place(tmp_path):
    conductor = [meta(0, "time_signature", numerator=3, denominator=4)]
    bass = [
        meta(0, "track_name", name="Bass"),
        (0, mido.Message("program_change", channel=5, program=19)),
        *((0, mido.Message("control_change", channel=5, control=c, value=30)) for c in (7, 10, 11)),
        (Q, mido.Message("pitchwheel", channel=5, pitch=100)),
        (Q, mido.MetaMessage("lyrics", text="Oh")),
        *tune((0, 3 * Q, 48), channel=5),
    ]
    alto = [meta(0, "track_name", name="Alto"), *tune((0, 3 * Q, 60))]
    choir = read_choir(save(tmp_path / "hymn.mid", conductor, alto, bass))
    track = named(Rehearsal(choir, 100).mix(mix(2, FRONT, 1)))["Bass"]
    assert controllers(track) == {7: 127, 10: 64, 11: 30}
    assert [m.program for _, m in events(track, "program_change")] == [19]
    assert [(t, m.pitch) for t, m in events(track, "pitchwheel")] == [(4 * Q, 100)]
    assert [(t, m.text) for t, m in events(track, "lyrics")] == [(4 * Q, "Oh")]
    assert {m.channel for _, m in events(track, "note_on")} == {1}
    assert [m.velocity for _, m in events(track, "note_on")] == [90]
    piano = named(Rehearsal(choir, 100, program=0).mix(mix(2, FRONT, 1)))["Bass"]
    assert [m.program for _, m in events(piano, "program_change")] == [0]


def test_twelve_voices_have_channels_of_their_own(tmp_path):
    names = [f"Alto {i}" for i in range(1, 13)]
    made = Rehearsal(hymn(tmp_path, names=names), 100).mix(mix(12, ALL))
    channels = [
        {e.message.channel for e in t if hasattr(e.message, "channel")} for t in made.tracks[1:]
    ]
    assert [min(c) for c in channels] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 9, 15]
    assert to_bytes(made).startswith(b"MThd")
