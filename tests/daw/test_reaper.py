"""REAPER projects, read back by the package ``rpp`` as trees.

``Opened`` plays such a tree along the project's own tempo map, as REAPER does, and gives seconds.
It uses no code of the module under test.
"""

import base64
import io
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise

import mido
import pytest
import rpp
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICE_COLOURS
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from musicae.daw import reaper
from musicae.daw.audition import Section, end_to_end
from musicae.io import midi_file, midi_writer
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Arrangement
from tests.support.midifiles import absolute
from tests.support.strategies import chorales

NEARLY = {"abs": 1e-7}
"""Tolerance in seconds: REAPER plays from a tempo map that is written in decimals."""

LINE = Chorale.from_notes(
    [[(0, 4, 67), (4, 8, 69), (12, 8, 71), (20, 6, 72), (26, 6, 67)], [], [], [(4, 28, 48)]],
    pickup=4,
    meters=(Meter(0, 4, 4), Meter(20, 6, 8)),
    key=Key.parse("G major"),
    tempos=(Tempo(0, 60), Tempo(8, 90), Tempo(22, 77.7)),
    title="Amen",
)


class Opened:
    """A project as REAPER plays it."""

    def __init__(self, text):
        self.root = rpp.loads(text)
        self.points = [line[1:] for line in self.root.find("TEMPOENVEX").findall("PT")]
        assert {shape for _, _, shape, *_ in self.points} == {"1"}, "a point that glides"
        self.tracks = {track.find("NAME")[1]: track for track in self.root.findall("TRACK")}
        seconds = [float(point[0]) for point in self.points]
        self.tempos = [float(point[1]) for point in self.points]
        quarters = [0.0]
        for (begin, end), qpm in zip(pairwise(seconds), self.tempos, strict=False):
            quarters.append(quarters[-1] + (end - begin) * qpm / 60)
        self.seconds, self.quarters = seconds, quarters

    def quarter(self, second):
        i = bisect_right(self.seconds, second + 1e-9) - 1
        return self.quarters[i] + (second - self.seconds[i]) * self.tempos[i] / 60

    def second(self, quarter):
        i = bisect_right(self.quarters, quarter + 1e-9) - 1
        return self.seconds[i] + (quarter - self.quarters[i]) * 60 / self.tempos[i]

    def items(self, name):
        """``(name, begin, end)`` in seconds."""
        found = []
        for item in self.tracks[name].findall("ITEM"):
            begin = float(item.find("POSITION")[1])
            found.append((item.find("NAME")[1], begin, begin + float(item.find("LENGTH")[1])))
        return found

    def events(self, name):
        """``(item, second, bytes)`` of everything in a track's items."""
        for number, item in enumerate(self.tracks[name].findall("ITEM")):
            source = item.find("SOURCE")
            assert source.attrib == ["MIDI"]
            assert source.find("IGNTEMPO")[1] == "0", "the item would not follow the tempo map"
            has_data, ppq, quarters = source.find("HASDATA")[1:]
            assert (has_data, quarters) == ("1", "QN")
            now = self.quarter(float(item.find("POSITION")[1]))
            for event in source:
                if isinstance(event, list) and event[0] == "E":
                    now += int(event[1]) / int(ppq)
                    yield number, self.second(now), bytes(int(byte, 16) for byte in event[2:])
                elif isinstance(event, rpp.Element) and event.tag == "X":
                    now += int(event.attrib[0]) / int(ppq)
                    yield number, self.second(now), base64.b64decode("".join(event))

    def notes(self, name):
        """``(begin, end, pitch, velocity, channel)``, seconds, in order."""
        begun, found = {}, []
        for item, second, (status, *data) in self.events(name):
            note = (item, status & 15, data[0])
            if status >> 4 == 9:
                begun.setdefault(note, []).append((second, data[1]))
            elif status >> 4 == 8:
                begin, velocity = begun[note].pop(0)
                found.append((begin, second, data[0], velocity, status & 15))
        assert not any(begun.values()), "a note that hangs"
        return sorted(found)

    def markers(self, region=False):
        """``(name, second)`` of each marker, or ``(name, begin, end)`` of each region."""
        lines = [line[1:] for line in self.root.findall("MARKER")]
        plain = [(name, float(second)) for _, second, name, flag in lines if flag == "0"]
        marked = [(number, float(s), name) for number, s, name, flag in lines if flag == "1"]
        if not region:
            return plain
        regions = []
        for (number, begin, name), (same, end, nothing) in zip(
            marked[::2], marked[1::2], strict=True
        ):
            assert (same, nothing) == (number, "")
            regions.append((name, begin, end))
        return regions

    def bar_lines(self, end):
        """In quarters, up to ``end`` seconds; a bar may be cut short only where that is allowed."""
        meters = [
            (quarter, Fraction(4 * (int(code) & 0xFFFF), int(code) >> 16), int(flags))
            for quarter, (_, _, _, *meter) in zip(self.quarters, self.points, strict=True)
            if meter
            for code, _, flags in [meter]
        ]
        lines = []
        for (quarter, bar, _), following in zip(meters, [*meters[1:], None], strict=True):
            stop = following[0] if following else self.quarter(end)
            line = quarter
            while line < stop - 1e-6:
                lines.append(line)
                line += bar
            if following:
                assert (line > stop + 1e-6) == bool(following[2] & 4), "a bar wrongly cut"
        return lines


def in_seconds(arrangement):
    """The notes of each named track and the markers of a MIDI file, by mido's own seconds."""
    file = mido.MidiFile(file=io.BytesIO(midi_file.to_bytes(arrangement)))
    tempi = [(0, 500_000)]
    tempi += [(t, m.tempo) for t, m in absolute(file.tracks[0]) if m.type == "set_tempo"]

    def second(tick):
        now = 0.0
        for (begin, tempo), (end, _) in pairwise([*tempi, (tick, 0)]):
            stretch = min(end, tick) - min(begin, tick)
            now += mido.tick2second(stretch, file.ticks_per_beat, tempo)
        return now

    tracks = {}
    for track in file.tracks[1:]:
        begun, notes = {}, []
        for tick, message in absolute(track):
            if message.type == "note_on" and message.velocity:
                begun[message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off"):
                begin, velocity = begun.pop(message.note)
                notes.append((second(begin), second(tick), message.note, velocity, message.channel))
        tracks[track.name] = sorted(notes)
    marked = [(t, m.text) for t, m in absolute(file.tracks[0]) if m.type == "marker"]
    return tracks, [(text.encode("latin-1").decode(), second(t)) for t, text in marked], second


def whole(arrangement, name="all"):
    return [Section(name, 0, arrangement.end)]


def close(found, expected):
    """Tuples of names and numbers are equal; numbers up to rounding."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a == (b if isinstance(b, str) else pytest.approx(b, **NEARLY))


@given(chorale=chorales(), cut=st.floats(0, 1))
def test_a_project_sounds_as_the_midi_file(chorale, cut):
    arrangement = midi_writer.arrange(chorale)
    starts = [measure.start * midi_writer.PPQ // 4 for measure in chorale.measures]
    # A cut at a bar line that no note is held across, if there is one.
    held = {n.step + i for v in range(4) for n in chorale.notes(v) for i in range(1, n.duration)}
    clear = [tick for tick in starts if tick * 4 // midi_writer.PPQ not in held]
    middle = clear[int(cut * (len(clear) - 1))] if clear else 0
    ticks = sorted({0, middle, arrangement.end})
    sections = [Section(f"part {a}", a, b) for a, b in pairwise(ticks)]
    opened = Opened(reaper.project(arrangement, sections))
    tracks, markers, second = in_seconds(arrangement)
    assert list(opened.tracks) == ["Soprano", "Alto", "Tenor", "Bass"]
    for name, notes in tracks.items():
        close(opened.notes(name), notes)
        close(opened.items(name), [(s.name, second(s.start), second(s.end)) for s in sections])
    close(opened.markers(), markers)
    close(opened.markers(region=True), [(s.name, second(s.start), second(s.end)) for s in sections])
    last = sum(chorale.measures[-1][:2]) / 4
    lines = opened.bar_lines(opened.second(last))
    assert lines == pytest.approx([measure.start / 4 for measure in chorale.measures])


def test_tempo_and_meter_changes_stand_where_they_are():
    opened = Opened(reaper.project(midi_writer.arrange(LINE), whole(midi_writer.arrange(LINE))))
    assert opened.root.find("TEMPO")[1:] == ["60", "1", "4"]
    quarter, eighth = 4 << 16, 8 << 16
    expected = [
        (0, 60, quarter + 1),  # the anacrusis is a bar of 1/4
        (1, 60, quarter + 4),
        (2, 90, None),
        (4, 90, eighth + 6),
        (4 + 1 / 3, 77.7, None),
    ]
    found = [
        (float(second), float(qpm), int(meter[0]) if meter else None)
        for second, qpm, _, *meter in opened.points
    ]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-4)  # MIDI has whole microseconds a quarter


def test_alternatives_end_to_end_are_regions_with_an_item_each():
    takes = [midi_writer.arrange(LINE), midi_writer.arrange(LINE.transpose(2))]
    arrangement, sections = end_to_end(takes, ["1: as it is", "2: higher"])
    opened = Opened(reaper.project(arrangement, sections))
    tracks, _, second = in_seconds(arrangement)
    assert [name for name, _, _ in opened.markers(region=True)] == ["1: as it is", "2: higher"]
    for name, notes in tracks.items():
        close(opened.notes(name), notes)
        close(opened.items(name), opened.markers(region=True))
    (_, _, first_end), (_, second_begin, _) = opened.items("Soprano")
    bar = [measure.length for measure in LINE.measures][-1] / 4 * 60 / 77.7
    assert second_begin - first_end == pytest.approx(bar, abs=1e-4), "a bar of silence"
    assert second_begin == pytest.approx(second(sections[1].start))


def test_each_item_chooses_its_sound_and_falls_silent():
    arrangement = midi_writer.arrange(LINE, program=19)
    sections = [Section("one", 0, 480), Section("two", 480, arrangement.end)]
    opened = Opened(reaper.project(arrangement, sections))
    for number, name in enumerate(["Soprano", "Alto", "Tenor", "Bass"]):
        events = list(opened.events(name))
        items = opened.items(name)
        programs = [(item, data) for item, _, data in events if data[0] >> 4 == 0xC]
        assert programs == [(0, bytes([0xC0 | number, 19, 0])), (1, bytes([0xC0 | number, 19, 0]))]
        for item, (_, _, end) in enumerate(items):
            _, second, data = [event for event in events if event[0] == item][-1]
            assert data == bytes([0xB0 | number, 123, 0])
            assert second == pytest.approx(end)
        assert items[0][2] == pytest.approx(items[1][1])


def test_a_note_held_past_its_section_ends_there():
    arrangement = midi_writer.arrange(Chorale.from_notes([[(0, 16, 60), (16, 16, 62)]]))
    sections = [Section("first half", 0, 960), Section("last bar", 1920, 3840)]
    opened = Opened(reaper.project(arrangement, sections))
    close(opened.notes("Soprano"), [(0, 1, 60, 80, 0), (2, 4, 62, 80, 0)])


def test_tracks_are_panned_coloured_and_sound():
    opened = Opened(reaper.project(midi_writer.arrange(LINE), whole(midi_writer.arrange(LINE))))
    assert [t.find("VOLPAN")[1:3] for t in opened.tracks.values()] == [
        ["1", "-0.3"],
        ["1", "-0.1"],
        ["1", "0.1"],
        ["1", "0.3"],
    ]
    red, green, blue = bytes.fromhex(VOICE_COLOURS[0].removeprefix("#"))
    colour = 1 << 24 | blue << 16 | green << 8 | red
    assert opened.tracks["Soprano"].find("PEAKCOL")[1] == str(colour)
    assert opened.tracks["Soprano"].find("FXCHAIN").find("VST").attrib[0].startswith("VSTi: ReaS")
    assert opened.tracks["Alto"].find("FXCHAIN") is None, "nothing to play"


def test_reasynth_gets_its_size_and_pins():
    opened = Opened(reaper.project(midi_writer.arrange(LINE), whole(midi_writer.arrange(LINE))))
    vst = opened.tracks["Bass"].find("FXCHAIN").find("VST")
    header, state, preset = (base64.b64decode(line) for line in vst)
    assert vst.attrib[4].startswith(f"{int.from_bytes(header[:4], 'little')}<")
    assert int.from_bytes(header[32:36], "little") == len(state) == 60
    assert (len(header), len(preset)) == (44, 6)


def test_words_and_other_tracks_are_kept():
    def track(name, channel, *messages):
        named = Timed(0, mido.MetaMessage("track_name", name=name))
        note = [
            Timed(0, mido.Message("note_on", channel=channel, note=40, velocity=99)),
            Timed(240, mido.Message("note_off", channel=channel, note=40, velocity=7)),
        ]
        return [named, *messages, *note]

    words = [
        Timed(0, mido.MetaMessage("key_signature", key="G")),
        Timed(0, mido.Message("control_change", channel=0, control=7, value=90)),
        Timed(120, mido.MetaMessage("lyrics", text=midi_file.raw_text("Ô " + "Haupt " * 30))),
        Timed(120, mido.Message("sysex", data=[1, 2, 3])),
    ]
    tracks = [[], track("Lead", 0, *words), track("Drums", 9)]
    opened = Opened(reaper.project(Arrangement(tracks, 96, 384), [Section("", 0, 384)]))
    kept = [(round(second, 6), data) for _, second, data in opened.events("Lead")]
    assert kept == [
        (0, bytes([0xB0, 7, 90])),
        (0, bytes([0x90, 40, 99])),
        (0.625, b"\xff\x05" + ("Ô " + "Haupt " * 30).encode()),
        (0.625, b"\xf0\x01\x02\x03\xf7"),
        (1.25, bytes([0x80, 40, 7])),
        (2, bytes([0xB0, 123, 0])),
    ]
    close(opened.notes("Drums"), [(0, 1.25, 40, 99, 9)])
    assert opened.tracks["Lead"].find("FXCHAIN") is not None
    assert opened.tracks["Drums"].find("FXCHAIN") is None, "a beep is no drum"
    assert opened.root.find("TEMPO")[1:] == ["120", "4", "4"], "what MIDI means by saying nothing"


@pytest.mark.parametrize(
    ("text", "line", "read"),
    [
        ("Amen", '"Amen"', "Amen"),
        ("", '""', ""),
        ("Ô Haupt > <O", '"Ô Haupt > <O"', "Ô Haupt > <O"),
        ('in "F"', "'in \"F\"'", 'in "F"'),
        ('Bach\'s "Amen"', '`Bach\'s "Amen"`', 'Bach\'s "Amen"'),
        ("all of \"'`", "`all of \"''`", "all of \"''"),
        ("two\nlines\tand  tab", '"two lines and tab"', "two lines and tab"),
        ("|bar", '"|bar"', "|bar"),
    ],
)
def test_names_are_quoted_as_reaper_wants(text, line, read):
    arrangement = midi_writer.arrange(LINE, markers=[(0, text)])
    arrangement.tracks[1][0] = Timed(
        0, mido.MetaMessage("track_name", name=midi_file.raw_text(text))
    )
    project = reaper.project(arrangement, whole(arrangement, text))
    opened = Opened(project)
    assert f"NAME {line}\n" in project
    assert [name for name, _ in opened.markers()] == [read]
    assert opened.markers(region=True)[0][0] == read
    assert read in opened.tracks
    assert opened.items(read)[0][0] == read


def test_a_title_stands_in_the_notes():
    arrangement = midi_writer.arrange(LINE)
    arrangement.tracks[0][0] = Timed(0, mido.MetaMessage("track_name", name="> >\n<TRACK"))
    notes = list(Opened(reaper.project(arrangement, whole(arrangement))).root.find("NOTES"))
    assert notes[0] == "|> > <TRACK"


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ([Section("a", 480, 480)], "'a'.*no length"),
        ([Section("a", -1, 480)], "'a'"),
        ([Section("a", 0, 960), Section("b", 480, 1440)], "'b'.*before 'a' ends"),
    ],
)
def test_sections_that_make_no_sense_are_refused(sections, says):
    with pytest.raises(MusicaeError, match=says):
        reaper.project(midi_writer.arrange(LINE), sections)


def test_a_project_is_written_whole_and_the_same_each_time(tmp_path):
    arrangement = midi_writer.arrange(LINE)
    path = tmp_path / "Amen.rpp"
    reaper.write(arrangement, whole(arrangement), path)
    assert path.read_bytes() == reaper.project(arrangement, whole(arrangement)).encode()
    assert b"\r" not in path.read_bytes()
    with pytest.raises(MusicaeError, match="no folder"):
        reaper.write(arrangement, whole(arrangement), tmp_path / "none" / "Amen.rpp")
    with pytest.raises(MusicaeError):
        reaper.write(arrangement, [Section("", 1, 0)], path)
    assert [file.name for file in tmp_path.iterdir()] == ["Amen.rpp"]
