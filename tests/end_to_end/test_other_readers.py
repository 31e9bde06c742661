"""How other programs' libraries read the MIDI files that musicae writes.

Each reader returns what it found as ``Heard``, in quarters from the beginning of the file. A value
that it does not give is None and is not compared. All readers give every note of every named track,
the program, tempi, meters and the key. All except mido leave out a voice that is silent throughout.
Experiments showed what each reader drops or changes:

- mido gives everything unchanged, but texts as Latin-1 although the file has UTF-8.
- pretty_midi gives neither markers nor the title. Times are in seconds; ``time_to_tick`` gives the
  exact ticks. It reads a key as the tonic's pitch class, so F sharp and G flat are the same. It
  warns about key signatures in the voices' tracks, but reads them.
- music21 gives neither markers nor the title. It moves notes to sixteenths and triplets unless
  ``quantizePost=False`` is set, and splits them at bar lines into tied notes. Even then it moves
  played notes that lie very close to a bar line, by up to 1/32 of a quarter.
- partitura gives neither markers nor the title. A score has no programs, but a performance has.
  The score's notes are in unchanged ticks, split at bar lines into tied notes. The anacrusis is
  bar 1. A piece shorter than a bar counts as an anacrusis, and its ``quarter_map`` begins below 0.
- symusic gives markers, but not the title. A track with lyrics becomes two tracks of the same name;
  the words are in the track without notes.
"""

import warnings
from typing import NamedTuple

import mido
import music21
import pretty_midi
import pytest

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.io import midi_writer
from tests.support.midifiles import absolute
from tests.support.paths import RESULTS

SHIPPED = [
    *sorted((RESULTS / "new").glob("*.mid")),
    RESULTS / "amazing_grace.mid",  # 3/4, the anacrusis after a rest
    RESULTS / "greensleeves.mid",  # 6/8, 96 ticks a quarter, the anacrusis after a rest
    RESULTS / "old_hundredth.mid",  # the anacrusis as a short first meter
    RESULTS / "wassail_song.mid",  # tempo and meter change together
    RESULTS / "swing_low.mid",  # played in: off the grid
]
EXACTLY = 1e-5
"""Tolerance in quarters: MIDI has whole microseconds a quarter, libraries have floats."""
PLAYED_IN = {("by_music21", "swing_low"): 1 / 32}
"""Largest change, in quarters, that a reader makes to notes off the grid."""


class Heard(NamedTuple):
    """What a reader finds in a file; positions and lengths in quarters, None without a value."""

    tracks: dict[str, list[tuple[float, float, int]]]
    """Onset, length and pitch of the notes of each track by its name, in order."""
    meters: list[tuple[float, int, int]]
    tempi: list[tuple[float, float]]
    """Onset and quarters a minute."""
    key: tuple[int, str] | None
    """Pitch class of the tonic, and the mode."""
    programs: dict[str, int] | None = None
    markers: list[tuple[float, str]] | None = None
    title: str | None = None


def differences(expected, found, within=EXACTLY):
    """Differences between two readings in words; an empty list if there are none.

    ``within``: quarters by which onsets and lengths of notes may differ.
    """
    lines = []
    if list(expected.tracks) != list(found.tracks):
        lines.append(f"tracks {list(expected.tracks)} became {list(found.tracks)}")
    for name in expected.tracks.keys() & found.tracks.keys():
        lines += _listed(f"{name}, note", expected.tracks[name], found.tracks[name], within)
    for field in ("meters", "tempi", "markers"):
        one, other = getattr(expected, field), getattr(found, field)
        if one is not None and other is not None:
            lines += _listed(field, one, other)
    for field in ("key", "programs", "title"):
        one, other = getattr(expected, field), getattr(found, field)
        if None not in (one, other) and one != other:
            lines.append(f"{field} {one} became {other}")
    return lines


def _listed(what, expected, found, within=EXACTLY):
    if len(expected) != len(found):
        return [f"{what}: {len(expected)} became {len(found)}: {expected[:3]}... {found[:3]}..."]
    return [
        f"{what} {number}: {one} became {other}"
        for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1)
        if any(
            a != b if isinstance(a, str) else abs(a - b) > max(within, EXACTLY * abs(a))
            for a, b in zip(one, other, strict=True)
        )
    ]


def of_chorale(chorale, program, markers):
    """What readers should find in a chorale's file."""
    pickup = [(0, 4 * chorale.pickup // 16, 4)] if chorale.pickup else []
    later = [
        ((meter.step or chorale.pickup) / 4, meter.numerator, meter.denominator)
        for meter in chorale.meters
    ]
    return Heard(
        {
            name: [(n.step / 4, n.duration / 4, n.pitch) for n in chorale.notes(voice)]
            for voice, name in enumerate(VOICES)
        },
        pickup + later,
        [(tempo.step / 4, tempo.qpm) for tempo in chorale.tempos],
        tonic(chorale.key.fifths, chorale.key.mode),
        dict.fromkeys(VOICES, program),
        sorted([(step / 4, "fermata") for step in chorale.fermatas] + markers),
        chorale.title,
    )


def tonic(fifths, mode):
    """Pitch class of the tonic, and mode, of a key signature."""
    return (7 * fifths + (9 if mode == "minor" else 0)) % 12, mode


def by_mido(path):
    file = mido.MidiFile(path)
    ppq = file.ticks_per_beat
    conductor = [(tick / ppq, message) for tick, message in absolute(file.tracks[0])]

    def said(kind):
        return [(quarter, message) for quarter, message in conductor if message.type == kind]

    tracks, programs = {}, {}
    for track in file.tracks[1:]:
        begun, notes = {}, []
        for tick, message in absolute(track):
            if message.type == "program_change":
                programs[track.name] = message.program
            elif message.type == "note_on" and message.velocity:
                begun[message.note] = tick
            elif message.type in ("note_on", "note_off"):
                begin = begun.pop(message.note)
                notes.append((begin / ppq, (tick - begin) / ppq, message.note))
        tracks[track.name] = sorted(notes)
    keys = [Key.parse(message.key) for _, message in said("key_signature")]
    return Heard(
        tracks,
        [(at, m.numerator, m.denominator) for at, m in said("time_signature")],
        [(at, mido.tempo2bpm(m.tempo)) for at, m in said("set_tempo")],
        tonic(keys[0].fifths, keys[0].mode) if keys else None,
        programs,
        [(at, utf8(m.text)) for at, m in said("marker")],
        utf8(file.tracks[0].name),
    )


def utf8(text):
    return text.encode("latin-1").decode("utf-8")


def by_pretty_midi(path):
    with warnings.catch_warnings():
        # Key signatures stand in the voices' tracks too, for programs that show a track alone.
        warnings.filterwarnings("ignore", "Tempo, Key or Time signature change events found")
        file = pretty_midi.PrettyMIDI(str(path))

    def quarter(second):
        return file.time_to_tick(second) / file.resolution

    keys = [change.key_number for change in file.key_signature_changes]
    return Heard(
        {
            part.name: sorted(
                (quarter(n.start), quarter(n.end) - quarter(n.start), n.pitch) for n in part.notes
            )
            for part in file.instruments
        },
        [(quarter(m.time), m.numerator, m.denominator) for m in file.time_signature_changes],
        [
            (quarter(second), float(qpm))
            for second, qpm in zip(*file.get_tempo_changes(), strict=True)
        ],
        (keys[0] % 12, "minor" if keys[0] >= 12 else "major") if keys else None,
        {part.name: int(part.program) for part in file.instruments},
    )


def by_music21(path):
    score = music21.converter.parse(path, forceSource=True, quantizePost=False)
    first = score.parts[0].flatten()
    # The last instrument is that of the program; the first is that of the track's name.
    programs = {
        part.partName: part.flatten().getElementsByClass("Instrument").last().midiProgram
        for part in score.parts
    }
    keys = list(first.getElementsByClass("KeySignature"))
    return Heard(
        {
            part.partName: sorted(
                (float(note.offset), float(note.quarterLength), note.pitch.midi)
                for note in part.flatten().stripTies().notes
            )
            for part in score.parts
        },
        [
            (float(m.offset), m.numerator, m.denominator)
            for m in first.getElementsByClass("TimeSignature")
        ],
        [(float(t.offset), t.number) for t in first.getElementsByClass("MetronomeMark")],
        tonic(keys[0].sharps, keys[0].mode) if keys else None,
        programs,
    )


def by_partitura(path):
    with warnings.catch_warnings():
        # partitura reports its progress as warnings, and lark imports deprecated modules.
        warnings.filterwarnings("ignore", category=UserWarning, module="partitura")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="lark")
        import partitura

        score = partitura.load_score_midi(path)
        performance = partitura.load_performance_midi(path)
    first = score.parts[0]
    ticks = float(first.quarter_duration_map(0))  # a quarter
    keys = list(first.iter_all(partitura.score.KeySignature))
    return Heard(
        {
            part.part_name: sorted(
                (
                    n.start.t / ticks,
                    n.duration_tied / ticks,
                    int(n.midi_pitch),
                )
                for n in part.notes_tied
            )
            for part in score.parts
        },
        [
            (m.start.t / ticks, m.beats, m.beat_type)
            for m in first.iter_all(partitura.score.TimeSignature)
        ],
        [(t.start.t / ticks, t.bpm) for t in first.iter_all(partitura.score.Tempo)],
        tonic(keys[0].fifths, keys[0].mode) if keys else None,
        {
            part.meta_other[0]["name"]: part.programs[0]["program"]
            for part in performance.performedparts
        },
    )


def by_symusic(path):
    import symusic

    score = symusic.Score(path)
    voices = [track for track in score.tracks if track.notes]
    keys = score.key_signatures
    return Heard(
        {
            track.name: sorted(
                (n.time / score.tpq, n.duration / score.tpq, n.pitch) for n in track.notes
            )
            for track in voices
        },
        [(m.time / score.tpq, m.numerator, m.denominator) for m in score.time_signatures],
        [(t.time / score.tpq, t.qpm) for t in score.tempos],
        tonic(keys[0].key, "minor" if keys[0].tonality else "major") if keys else None,
        {track.name: track.program for track in voices},
        [(marker.time / score.tpq, marker.text) for marker in score.markers],
    )


READERS = [by_mido, by_pretty_midi, by_music21, by_partitura, by_symusic]

TYPED = {
    "pickup, meters and tempi change": Chorale.from_notes(
        [
            [(0, 4, 67), (4, 8, 69), (12, 8, 71), (20, 6, 72), (26, 6, 67)],
            [(0, 4, 60), (4, 16, 64), (26, 6, 64)],
            [(4, 28, 55)],  # held across two bar lines
            [(4, 14, 48), (18, 2, 50), (20, 12, 48)],
        ],
        pickup=4,
        meters=(Meter(0, 4, 4), Meter(20, 6, 8)),
        key=Key.parse("E minor"),
        tempos=(Tempo(0, 60), Tempo(8, 90), Tempo(22, 77.7)),
        fermatas=(12,),
        title="Ô Haupt 主",
    ),
    "3/4 in flats, repeated notes, rests": Chorale.from_notes(
        [
            [(0, 4, 68), (4, 4, 68), (8, 1, 70), (9, 1, 68), (12, 12, 67)],
            [(0, 2, 63), (2, 2, 63), (4, 8, 60), (16, 8, 63)],
            [(0, 12, 56), (12, 12, 58)],
            [(0, 12, 44), (12, 12, 51)],
        ],
        meters=(Meter(0, 3, 4),),
        key=Key.parse("Ab major"),
        tempos=(Tempo(0, 100),),
        title="Amen",
    ),
    "one bar of 5/4": Chorale.from_notes(
        [[(0, 20, 66)], [(0, 20, 61)], [(0, 20, 58)], [(0, 20, 42)]],
        meters=(Meter(0, 5, 4),),
        key=Key.parse("F# major"),
        tempos=(Tempo(0, 40.5),),
        title="Five",
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", TYPED)
def test_a_chorale_is_read_as_it_was_typed(tmp_path, name, reader):
    markers = [(8, "Übergang")]
    midi_writer.write(TYPED[name], tmp_path / "typed.mid", program=19, markers=markers)
    expected = of_chorale(TYPED[name], 19, [(step / 4, text) for step, text in markers])
    assert not differences(expected, reader(tmp_path / "typed.mid"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_results_are_read_alike(path):
    expected = by_mido(path)
    assert set(VOICES) <= set(expected.tracks)
    assert {
        reader.__name__: found
        for reader in READERS[1:]
        if (
            found := differences(
                expected, reader(path), PLAYED_IN.get((reader.__name__, path.stem), EXACTLY)
            )
        )
    } == {}


def test_differences_between_readings_are_listed():
    one = of_chorale(TYPED["one bar of 5/4"], 19, [])
    other = one._replace(
        tracks=one.tracks | {"Bass": [(0, 4, 42)], "Alto": []}, title="Four", key=(0, "major")
    )
    assert sorted(differences(one, other)) == [
        "Alto, note: 1 became 0: [(0.0, 5.0, 61)]... []...",
        "Bass, note 1: (0.0, 5.0, 42) became (0, 4, 42)",
        "key (6, 'major') became (0, 'major')",
        "title Five became Four",
    ]
    assert not differences(one, one._replace(title=None))
