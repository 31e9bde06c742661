"""Alternatives that follow each other in one file sound as each would alone."""

import mido

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.daw import audition
from musicae.io import midi_file, midi_writer
from tests.support.midifiles import absolute, meta, save, tune

HYMN = Chorale.from_notes(
    [[(0, 4, 67), (4, 12, 72), (16, 12, 71)], [(0, 4, 64), (4, 24, 64)]],
    meters=(Meter(0, 4, 4), Meter(20, 3, 4)),
    pickup=4,
    key=Key(0),
    tempos=(Tempo(0, 90), Tempo(20, 60)),
    title="Hymn",
)
PLAIN = Chorale.from_notes([[(0, 16, 60)]])


def seconds_of_notes(path, since=0.0):
    """Each note's begin and end in seconds and its pitch, by the names of the tracks."""
    song = mido.MidiFile(path)
    tempos = sorted((t, m.tempo) for t, m in absolute(song.tracks[0]) if m.type == "set_tempo")

    def at(tick):
        seconds, last, tempo = 0.0, 0, 500_000
        for change, value in tempos:
            if change >= tick:
                break
            seconds += mido.tick2second(change - last, song.ticks_per_beat, tempo)
            last, tempo = change, value
        return round(seconds + mido.tick2second(tick - last, song.ticks_per_beat, tempo) - since, 6)

    return {
        part.name: [(at(n.start), at(n.end), n.pitch) for n in part.notes]
        for part in midi_file.open_song(path).parts
    }, at


def test_each_alternative_keeps_its_tempo_and_meter(tmp_path):
    higher = HYMN.transpose(2)
    joined, sections = audition.end_to_end(
        [midi_writer.arrange(c) for c in (HYMN, higher)], ["a", "b"]
    )
    midi_file.save(joined, tmp_path / "both.mid")
    notes, at = seconds_of_notes(tmp_path / "both.mid")
    for chorale, section in zip((HYMN, higher), sections, strict=True):
        midi_writer.write(chorale, tmp_path / "one.mid")
        alone, _ = seconds_of_notes(tmp_path / "one.mid")
        begin = at(section.start)
        for name, expected in alone.items():
            found = [n for n in notes[name] if begin <= n[0] < at(section.end)]
            moved = [(round(s - begin, 5), round(e - begin, 5), p) for s, e, p in found]
            assert moved == [(round(s, 5), round(e, 5), p) for s, e, p in expected]


def test_alternatives_are_separated_by_a_bar_of_silence_and_a_marker():
    joined, sections = audition.end_to_end([midi_writer.arrange(HYMN)] * 3, ["1", "2", "3"])
    ticks = [e.tick for e in joined.tracks[0] if e.message.type == "marker"]
    assert ticks == [section.start for section in sections]
    assert [section.name for section in sections] == ["1", "2", "3"]
    assert sections[1].start - sections[0].end == 3 * 480, "a bar of 3/4, the last meter"
    assert joined.end == sections[-1].end


def test_an_alternative_inherits_nothing_from_the_one_before():
    joined, (_, second) = audition.end_to_end(
        [midi_writer.arrange(HYMN), midi_writer.arrange(PLAIN)], "ab"
    )
    stated = {e.message.type: e.message for e in joined.tracks[0] if e.tick == second.start}
    assert stated["set_tempo"].tempo == 500_000
    assert (stated["time_signature"].numerator, stated["time_signature"].denominator) == (4, 4)


def test_tracks_are_named_once_and_given_their_sound_again():
    joined, _ = audition.end_to_end([midi_writer.arrange(HYMN)] * 2, "ab")
    for track, name in zip(joined.tracks[1:], VOICES, strict=True):
        assert [e.message.name for e in track if e.message.type == "track_name"] == [name]
        assert sum(e.message.type == "program_change" for e in track) == 2, "once an alternative"


def test_controllers_bends_and_sounds_are_reset_for_each_alternative():
    piano = [
        (0, mido.Message("program_change", channel=3, program=1)),
        (0, mido.Message("control_change", channel=3, control=91, value=20)),
        *tune((0, 960, 60), channel=3),
        (480, mido.Message("program_change", channel=3, program=48)),
        (480, mido.Message("pitchwheel", channel=3, pitch=300)),
        (900, mido.Message("control_change", channel=3, control=11, value=0)),
        (900, mido.Message("control_change", channel=3, control=64, value=127)),
    ]
    one = midi_file.Arrangement([[], [midi_file.Timed(*event) for event in piano]], 480, 1920)
    joined, (_, second) = audition.end_to_end([one, one], "ab")
    before = [e.message for e in joined.tracks[1] if e.tick <= second.start]
    state = {}
    for m in before:
        state[m.type, getattr(m, "control", None)] = m
    assert state["program_change", None].program == 1
    assert state["pitchwheel", None].pitch == 0
    assert [state["control_change", c].value for c in (11, 64, 91)] == [127, 0, 20]


def test_stems_are_the_voices_alone(tmp_path, untrained):
    melody = save(tmp_path / "song.mid", tune((0, 960, 67), (960, 1920, 65)))
    (piece,) = musicae.harmonize(melody, model=str(untrained["minibach"]))
    stems = audition.stems(piece.arrange())
    assert list(stems) == list(VOICES)
    for voice, name in enumerate(VOICES):
        midi_file.save(stems[name], tmp_path / "stem.mid")
        alone = musicae.read(tmp_path / "stem.mid")
        assert alone.notes(voice) == piece.chorale.notes(voice)
        assert [v for v in range(4) if alone.notes(v)] == [voice]


def test_kept_tracks_return_with_each_alternative(tmp_path, untrained):
    piano = [meta(0, "track_name", name="Piano"), *tune((0, 480, 40), channel=3)]
    melody = save(tmp_path / "song.mid", tune((0, 1920, 67)), piano)
    pieces = musicae.harmonize(melody, 2, model=str(untrained["minibach"]), track="1")
    joined, sections = audition.end_to_end([p.arrange(keep_tracks=True) for p in pieces], "ab")
    struck = [e.tick for e in joined.tracks[-1] if e.message.type == "note_on"]
    assert struck == [section.start for section in sections]
