"""Messages to a MIDI output, and their times. Nothing sounds after the end or an interruption."""

import mido
import pytest

from musicae.core.chorale import Chorale, seconds_of
from musicae.core.errors import MusicaeError
from musicae.core.meter import Tempo
from musicae.daw import playback
from musicae.io import midi_writer
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Arrangement, TempoMap
from tests.support.midifiles import meta, tune

PORTS = ["Midi Through:Midi Through Port-0 14:0", "FLUID Synth (1):in 128:0", "loopMIDI Port 1"]
SUSTAIN, ALL_NOTES_OFF = 64, 123


class Room:
    """A clock that only ``sleep`` advances, and a port that records each message and its time."""

    def __init__(self, interrupted_at=None, lost_at=None, late=0.0):
        self.now, self.sent, self.closed, self.opened = 100.0, [], False, None
        self.interrupted_at, self.lost_at, self.late = interrupted_at, lost_at, late

    def clock(self):
        return self.now

    def sleep(self, duration):
        assert duration > 0
        until = self.now + duration
        if self.interrupted_at is not None and until > 100 + self.interrupted_at:
            self.now = 100 + self.interrupted_at
            raise KeyboardInterrupt
        self.now = until + self.late

    def send(self, message):
        if self.lost_at is not None and self.now >= 100 + self.lost_at:
            raise OSError("device unplugged")
        self.sent.append((round(self.now - 100, 6), message))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def open(self, name):
        self.opened = name
        return self

    def play(self, arrangement, port=None):
        playback.play(arrangement, port, clock=self.clock, sleep=self.sleep)

    def sounding(self):
        """The notes and pedals that are still on after the last message."""
        notes, pedals = set(), set()
        for _, message in self.sent:
            if message.type == "note_on" and message.velocity:
                notes.add((message.channel, message.note))
            elif message.type in ("note_on", "note_off"):
                notes.discard((message.channel, message.note))
            elif message.type == "control_change" and message.control == SUSTAIN:
                (pedals.add if message.value >= 64 else pedals.discard)(message.channel)
        return notes, pedals


@pytest.fixture
def room(monkeypatch):
    """A function that makes a ``Room`` whose port mido opens."""

    def made(names=PORTS, **faults):
        room = Room(**faults)
        monkeypatch.setattr(type(mido.backend), "load", lambda _: None)
        monkeypatch.setattr(mido, "get_output_names", lambda: list(names))
        monkeypatch.setattr(mido, "open_output", room.open)
        return room

    return made


def song(*events, ppq=480, end=1920):
    return Arrangement([[Timed(*event) for event in sorted(events, key=lambda e: e[0])]], ppq, end)


def test_events_come_in_order_at_the_times_of_the_tempo_map(room):
    chorale = Chorale.from_notes(
        [[(0, 4, 67), (4, 4, 69), (8, 8, 71)], [(0, 16, 62)], [], [(4, 4, 43)]],
        tempos=(Tempo(0, 60), Tempo(4, 120), Tempo(8, 30)),
    )
    heard = room()
    heard.play(midi_writer.arrange(chorale))
    at = seconds_of(chorale)
    begun = [(t, m.channel, m.note) for t, m in heard.sent if m.type == "note_on"]
    expected = sorted((at[n.step], v, n.pitch) for v in range(4) for n in chorale.notes(v))
    assert begun == [(pytest.approx(t), v, pitch) for t, v, pitch in expected]
    ended = {(m.channel, m.note): t for t, m in heard.sent if m.type == "note_off"}
    assert ended[1, 62] == pytest.approx(at[16])
    assert [m.program for t, m in heard.sent if m.type == "program_change"] == [52] * 4
    assert heard.now - 100 == pytest.approx(at[16])
    assert heard.closed


def test_a_tempo_that_changes_within_a_note_is_heard_in_any_track(room):
    tempos = [meta(240, "set_tempo", tempo=1_000_000), meta(480, "set_tempo", tempo=250_000)]
    arrangement = song(*tune((0, 960, 60)), end=960)
    arrangement = arrangement._replace(tracks=[*arrangement.tracks, [Timed(*e) for e in tempos]])
    heard = room()
    heard.play(arrangement)
    assert [t for t, m in heard.sent if m.type == "note_off"] == [0.25 + 0.5 + 0.25]
    assert TempoMap.of(arrangement).seconds(960) == 1


def test_delays_do_not_add_up(room):
    notes = [(480 * k, 480 * k + 240, 60) for k in range(100)]
    heard = room(late=0.01)
    heard.play(song(*tune(*notes), end=48_000))
    begun = [t for t, m in heard.sent if m.type == "note_on"]
    assert all(abs(t - k / 2) < 0.011 for k, t in enumerate(begun))


def test_events_at_one_tick_keep_the_order_of_the_file(room):
    repeated = [*tune((0, 480, 60)), *tune((480, 960, 60))]
    heard = room()
    heard.play(song(*repeated))
    assert [m.type for _, m in heard.sent[:4]] == ["note_on", "note_off", "note_on", "note_off"]
    assert heard.now == 102.0  # play waits until the end


def test_an_interrupt_silences_every_sounding_note_and_closes_the_port(room):
    pedal = (0, mido.Message("control_change", channel=2, control=SUSTAIN, value=127))
    bends = (0, mido.Message("pitchwheel", channel=5, pitch=100))
    voices = [event for c in range(3) for event in tune((0, 960, 60 + c), channel=c)]
    heard = room(interrupted_at=0.7)
    with pytest.raises(KeyboardInterrupt):
        heard.play(song(pedal, bends, *tune((0, 240, 40), channel=7), *voices))
    assert heard.sounding() == (set(), set())
    assert heard.closed
    last = [m for t, m in heard.sent if t == 0.7]
    assert {(m.channel, m.note) for m in last if m.type == "note_off"} == {
        (0, 60),
        (1, 61),
        (2, 62),
    }
    for control in (SUSTAIN, ALL_NOTES_OFF):
        let_go = {m.channel for m in last if m.is_cc(control) and m.value == 0}
        assert let_go == {0, 1, 2, 5, 7}


def test_notes_without_an_end_stop_with_the_music(room):
    heard = room()
    heard.play(song((0, mido.Message("note_on", note=60, velocity=90))))
    assert heard.sounding() == (set(), set())
    assert heard.sent[-1][0] == 2.0


def test_a_port_that_is_lost_is_named_and_closed(room):
    heard = room(lost_at=0.4)
    with pytest.raises(MusicaeError, match=r"FLUID Synth.* \(device unplugged\)") as raised:
        heard.play(song(*tune((0, 480, 60))))
    assert "\n" not in str(raised.value)
    assert heard.closed


def test_an_interrupt_is_raised_even_if_the_port_is_lost(room):
    heard = room(interrupted_at=0.3, lost_at=0.3)
    with pytest.raises(KeyboardInterrupt):
        heard.play(song(*tune((0, 480, 60))))
    assert heard.closed


def test_a_port_is_chosen_by_number_name_or_part_of_it():
    assert playback.choose_port(PORTS) == PORTS[1]
    assert playback.choose_port(PORTS, "1") == PORTS[0]
    assert playback.choose_port(PORTS, "loopmidi") == PORTS[2]
    assert playback.choose_port(["in", "in 2"], "in") == "in"
    with pytest.raises(MusicaeError, match="no MIDI port is '4'; choose one of 1 'Midi Through"):
        playback.choose_port(PORTS, "4")
    with pytest.raises(MusicaeError, match="2 MIDI ports match 'midi'; choose one of"):
        playback.choose_port(PORTS, "midi")


def test_the_port_asked_for_is_opened(room):
    heard = room()
    heard.play(song(*tune((0, 480, 60))), "loop")
    assert heard.opened == PORTS[2]


@pytest.mark.parametrize(
    ("system", "advice"),
    [("darwin", "IAC Driver"), ("win32", "loopMIDI"), ("linux", "qsynth"), ("freebsd", "qsynth")],
)
@pytest.mark.parametrize("names", [[], PORTS[:1]])
def test_without_a_port_an_error_says_how_to_get_one(room, monkeypatch, system, advice, names):
    monkeypatch.setattr(playback.sys, "platform", system)
    heard = room(names=names)
    with pytest.raises(MusicaeError, match=f"there is no MIDI port to play to: .*{advice}"):
        heard.play(song(*tune((0, 480, 60))))
    assert heard.opened is None


def test_a_computer_without_a_midi_system_has_no_ports(room, monkeypatch):
    room()

    def fail():
        raise OSError("error creating ALSA sequencer client object")

    monkeypatch.setattr(mido, "get_output_names", fail)
    assert playback.ports() == []
    with pytest.raises(MusicaeError, match="no MIDI port is 'synth', nor is there any: "):
        playback.play(song(*tune((0, 480, 60))), "synth")


def test_without_the_library_an_error_says_how_to_install_it(monkeypatch):
    def missing(_):
        raise ModuleNotFoundError("No module named 'rtmidi'")

    monkeypatch.setattr(type(mido.backend), "load", missing)
    for attempt in (playback.ports, lambda: playback.play(song(*tune((0, 480, 60))))):
        with pytest.raises(MusicaeError, match=r"python-rtmidi: pip install 'musicae\[ports\]'"):
            attempt()
