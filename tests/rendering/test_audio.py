"""Sound: the right pitches at the right times and places, and the files that hold them."""

import shutil
import sys

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings

from musicae.core.chorale import Chorale, seconds_of
from musicae.core.errors import MusicaeError
from musicae.core.meter import Tempo
from musicae.io import midi_file, midi_reader, midi_writer
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.midi_writer import arrange_as_read
from musicae.rendering import audio, mixing
from musicae.rendering.audio import PEAK, SAMPLE_RATE, synthesize
from musicae.rendering.mixing import TAIL, staged
from tests.support.midifiles import meta, save, tune
from tests.support.paths import RESULTS
from tests.support.strategies import chorales

PIANO, ORGAN, FLUTE = 0, 19, 73
CHORDS = [(67, 62, 59, 43), (65, 60, 57, 53), (69, 66, 62, 50)]
FLUIDSYNTH = shutil.which("fluidsynth")


both = pytest.mark.usefixtures("synthesizer")
"""Marks a test of both synthesizers; other tests use ``midirenderer`` alone."""


@pytest.fixture(params=["midirenderer", "fluidsynth"])
def synthesizer(request, monkeypatch):
    """Each of the two in turn."""
    if request.param == "fluidsynth" and FLUIDSYNTH is None:
        pytest.skip("fluidsynth is not installed")
    found = FLUIDSYNTH if request.param == "fluidsynth" else None
    monkeypatch.setattr(shutil, "which", lambda _: found)


@pytest.fixture(autouse=True)
def no_program(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)


def singing(*voices, qpm=60.0, steps=None):
    """An arrangement of voices as lists of ``(step, duration, pitch)``, a quarter a second."""
    chorale = Chorale.from_notes(voices, steps=steps, tempos=(Tempo(0, qpm),))
    return midi_writer.arrange(chorale)


def half_notes(chords=CHORDS):
    return [[(8 * k, 8, chord[v]) for k, chord in enumerate(chords)] for v in range(4)]


def seconds(samples, start, stop):
    return samples[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)]


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-15)


def at_pitch(samples, pitch):
    """Level in decibels within 30 cents of a pitch's fundamental, in one channel."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    cents = 1200 * np.log2(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[1:] / 440)
    within = np.abs(cents - 100 * (pitch - 69)) < 30
    return 10 * np.log10(power[1:][within].sum() + 1e-15)


def first_audible(samples):
    """The second at which a hundredth of the peak is first reached."""
    loudness = np.abs(samples).max(axis=1)
    return np.argmax(loudness > 0.01 * loudness.max()) / SAMPLE_RATE


def controls(arrangement, channel):
    """The values of a channel's controllers at its beginning."""
    messages = [e.message for track in arrangement.tracks for e in track if e.tick == 0]
    return {
        m.control: m.value for m in messages if m.type == "control_change" and m.channel == channel
    }


def programs(arrangement):
    messages = [e.message for track in arrangement.tracks for e in track]
    return [(m.channel, m.program) for m in messages if m.type == "program_change"]


@pytest.mark.parametrize(("program", "clear"), [(None, 8), (PIANO, 30)])
@both
def test_every_chord_sounds_at_its_pitches_and_at_no_neighbours(program, clear):
    heard = synthesize(singing(*half_notes()), program=program).mean(axis=1)
    for k, chord in enumerate(CHORDS):
        window = seconds(heard, 2 * k + 0.4, 2 * k + 1.9)
        partials = {p + round(12 * np.log2(n)) for p in chord for n in range(1, 9)}
        for pitch in chord:
            for neighbour in {pitch - 1, pitch + 1} - partials:
                above = at_pitch(window, pitch) - at_pitch(window, neighbour)
                assert above > clear, (k, pitch, neighbour)


@both
def test_a_harmonization_sounds_as_it_stands_in_its_file():
    path = RESULTS / "old_hundredth.mid"
    chorale = midi_reader.read(path)
    heard = synthesize(arrange_as_read(midi_file.open_song(path)), program=PIANO).mean(axis=1)
    at = seconds_of(chorale)
    plain = [
        step
        for step in range(0, len(chorale), 4)
        if not chorale.onset[step + 1 : step + 4].any() and chorale.onset[step].all()
    ]
    assert plain
    for step in plain[:4]:
        window = seconds(heard, at[step] + 0.15, at[step + 4])
        pitches = {int(pitch) for pitch in chorale.pitch[step]}
        partials = {p + round(12 * np.log2(n)) for p in pitches for n in range(1, 9)}
        faintest = min(at_pitch(window, pitch) for pitch in pitches)
        for other in set(range(min(pitches) - 1, max(pitches) + 2)) - partials:
            assert at_pitch(window, other) < faintest - 6, (step, other)


@both
def test_rests_are_silent():
    notes = [(4, 4, 67), (20, 4, 67)]
    heard = synthesize(singing(notes, steps=32), program=PIANO)
    assert decibels(seconds(heard, 1.1, 1.9)) > -40
    assert not seconds(heard, 0, 0.99).any() or decibels(seconds(heard, 0, 0.99)) < -85
    assert decibels(seconds(heard, 3.5, 4.9)) < decibels(seconds(heard, 1.1, 1.9)) - 50
    assert decibels(seconds(heard, 5.1, 5.9)) > -40


@both
def test_a_repeated_note_begins_again():
    held = synthesize(singing([(0, 8, 67)]), program=PIANO)
    repeated = synthesize(singing([(0, 4, 67), (4, 4, 67)]), program=PIANO)

    def swelling(samples):
        return decibels(seconds(samples, 1.02, 1.1)) - decibels(seconds(samples, 0.9, 0.98))

    assert swelling(repeated) > 4
    assert swelling(held) < 1


@both
def test_notes_begin_when_the_tempi_say():
    chorale = Chorale.from_notes(
        [[(16, 2, 72), (24, 2, 72), (32, 2, 72)]],
        steps=48,
        tempos=(Tempo(0, 90), Tempo(20, 45), Tempo(32, 180)),
    )
    heard = synthesize(midi_writer.arrange(chorale), program=PIANO)
    at = seconds_of(chorale)
    for step in (16, 24, 32):
        assert first_audible(heard[round((at[step] - 0.1) * SAMPLE_RATE) :]) == pytest.approx(
            0.1, abs=0.02
        )


@both
def test_the_sound_lasts_until_the_last_notes_have_died_away():
    heard = synthesize(singing(*half_notes(), steps=32))
    assert len(heard) == 8 * SAMPLE_RATE  # two silent seconds at the end are music too
    ringing = synthesize(singing(*half_notes(CHORDS[:2])))
    assert 4.2 < len(ringing) / SAMPLE_RATE <= 4 + TAIL
    assert np.abs(ringing[-10:]).max() < 1e-3
    assert decibels(seconds(ringing, 4.0, 4.1)) > decibels(seconds(ringing, 4.6, 4.7)) + 6


@both
def test_the_peak_is_one_decibel_below_full_scale():
    for program in (None, PIANO):
        heard = synthesize(singing(*half_notes(CHORDS[:1])), program=program)
        assert heard.shape[1] == 2
        assert heard.dtype == np.float32
        assert np.abs(heard).max() == pytest.approx(PEAK, abs=1e-4)


@both
def test_loud_music_is_not_clipped_to_16_bits():
    tracks = [
        [
            midi_file.Timed(
                tick, message.copy(velocity=127) if message.type == "note_on" else message
            )
            for tick, message in tune(*[(0, 960, 40 + 5 * k) for k in range(9)], channel=channel)
        ]
        for channel in range(9)
    ]
    heard = synthesize(midi_file.Arrangement(tracks, 480, 1920), program=48)
    assert np.abs(heard).max() == pytest.approx(PEAK, abs=1e-4)
    assert np.count_nonzero(np.abs(heard) > 0.999 * PEAK) < 10


@both
def test_voices_stand_from_left_to_right():
    in_turn = [[(8 * v, 6, pitch)] for v, pitch in enumerate((69, 65, 60, 50))]
    heard = synthesize(singing(*in_turn), program=ORGAN)
    windows = [seconds(heard, 2 * v + 0.2, 2 * v + 1.4) for v in range(4)]
    leaning = [decibels(window[:, 0]) - decibels(window[:, 1]) for window in windows]
    assert leaning == sorted(leaning, reverse=True)
    assert leaning[0] > 2
    assert leaning[3] < -2


def test_a_voice_alone_stands_in_the_middle():
    heard = synthesize(singing([(0, 8, 67)]), program=FLUTE)
    assert decibels(heard[:, 0]) == pytest.approx(decibels(heard[:, 1]), abs=1)


@both
def test_a_program_changes_the_sound():
    arrangement = singing(*half_notes(CHORDS[:1]))
    choir, organ = synthesize(arrangement), synthesize(arrangement, program=ORGAN)
    assert np.array_equal(choir, synthesize(arrangement, program=CHOIR_AAHS))
    shortest = min(len(choir), len(organ))
    assert decibels(choir[:shortest] - organ[:shortest]) > decibels(choir) - 6


def test_a_program_is_the_voices_and_leaves_other_tracks_alone():
    other = [
        midi_file.Timed(0, mido.Message("program_change", channel=7, program=33)),
        *(midi_file.Timed(*event) for event in tune((0, 480, 40), channel=7)),
        *(midi_file.Timed(*event) for event in tune((0, 480, 38), channel=9)),
    ]
    arrangement = singing(*half_notes())
    arrangement = arrangement._replace(tracks=[*arrangement.tracks, other])
    assert sorted(programs(staged(arrangement, ORGAN))) == [
        *((v, ORGAN) for v in range(4)),
        (7, 33),
    ]
    assert sorted(programs(staged(arrangement))) == [*((v, 52) for v in range(4)), (7, 33)]
    assert not controls(staged(arrangement), 9).keys() - {mixing.VOLUME}
    assert mixing.PAN not in controls(staged(arrangement), 7)
    assert controls(staged(arrangement), 7)[mixing.REVERB] == mixing.ROOM


def test_tracks_that_are_no_voices_are_played_as_they_are_or_in_the_program_asked_for():
    tracks = [
        [midi_file.Timed(*event) for event in tune((0, 480, 60 + channel), channel=channel)]
        for channel in (0, 1, 9)
    ]
    song = midi_file.Arrangement(tracks, 480, 1920)
    assert programs(staged(song)) == []
    assert programs(staged(song, ORGAN)) == [(0, ORGAN), (1, ORGAN)]


def test_four_nameless_parts_are_voices_from_the_top_and_share_a_channel_in_the_middle():
    pitches = (48, 72, 55, 64)
    tracks = [
        [midi_file.Timed(*event) for event in tune((0, 480, pitch), channel=channel)]
        for channel, pitch in enumerate(pitches)
    ]
    choir = staged(midi_file.Arrangement(tracks, 480, 1920))
    places = [controls(choir, channel)[mixing.PAN] for channel in range(4)]
    assert places == [mixing.STAGE[v] for v in (3, 0, 2, 1)]
    assert programs(choir) == [(channel, CHOIR_AAHS) for channel in range(4)]
    together = [[midi_file.Timed(t, m.copy(channel=0)) for t, m in track] for track in tracks]
    named = [
        [midi_file.Timed(0, mido.MetaMessage("track_name", name=name)), *track]
        for name, track in zip(midi_reader.VOICES, together, strict=True)
    ]
    assert controls(staged(midi_file.Arrangement(named, 480, 1920)), 0)[mixing.PAN] == 64


def test_a_channel_keeps_its_own_place_and_the_balance_of_volumes():
    own = {
        0: [(mixing.PAN, 127), (mixing.REVERB, 0), (mixing.VOLUME, 80)],
        1: [(mixing.VOLUME, 40)],
    }
    arrangement = singing(*half_notes())
    tracks = [list(track) for track in arrangement.tracks]
    for channel, changes in own.items():
        for control, value in changes:
            message = mido.Message("control_change", channel=channel, control=control, value=value)
            tracks[channel + 1].insert(0, midi_file.Timed(0, message))
    arrangement = arrangement._replace(tracks=tracks)
    choir = staged(arrangement)
    assert controls(choir, 0)[mixing.PAN] == 127
    assert controls(choir, 0)[mixing.REVERB] == 0
    assert [controls(choir, c)[mixing.VOLUME] for c in range(4)] == [102, 51, 127, 127]
    right = synthesize(arrangement, program=FLUTE)
    window = seconds(right, 0.4, 1.9)
    assert at_pitch(window[:, 1], 67) > at_pitch(window[:, 0], 67) + 10


@given(chorales(max_steps=16))
@settings(max_examples=15, deadline=None)
def test_panning_keeps_every_note(chorale):
    arrangement = midi_writer.arrange(chorale)

    def notes(tracks):
        return sorted(
            (e.tick, str(e.message)) for t in tracks for e in t if "note" in e.message.type
        )

    choir = staged(arrangement, ORGAN)
    assert notes(choir.tracks) == notes(arrangement.tracks)
    assert choir.end > arrangement.end


def test_a_piece_without_notes_is_silent():
    heard = synthesize(singing(steps=16))
    assert heard.shape == (4 * SAMPLE_RATE, 2)
    assert not heard.any()


@both
def test_any_midi_file_can_be_synthesized(tmp_path):
    both = [*tune((0, 480, 60)), *tune((480, 960, 38), channel=9)]
    late = [
        meta(0, "time_signature", numerator=3, denominator=4),
        *both,
        meta(9600, "text", text="."),
    ]
    arrangement = arrange_as_read(midi_file.open_song(save(tmp_path / "zero.mid", late, form=0)))
    assert arrangement.end == 3 * 480
    assert np.abs(synthesize(arrangement)).max() == pytest.approx(PEAK, abs=1e-4)
    drums = save(tmp_path / "drums.mid", tune((0, 480, 38), channel=9))
    assert synthesize(arrange_as_read(midi_file.open_song(drums))).any()
    empty = save(tmp_path / "empty.mid", [meta(0, "set_tempo", tempo=500_000)])
    assert len(synthesize(arrange_as_read(midi_file.open_song(empty)))) == 0


def test_the_first_of_several_songs_in_a_file_sounds(tmp_path):
    path = save(tmp_path / "two.mid", tune((0, 480, 60)), tune((0, 9600, 72)), form=2)
    arrangement = arrange_as_read(midi_file.open_song(path))
    assert arrangement.end == 1920
    assert {m.note for t in arrangement.tracks for _, m in t if m.type == "note_on"} == {60}


@both
def test_notes_that_never_end_and_pedals_are_let_go_at_the_end(tmp_path):
    pedal = (0, mido.Message("control_change", control=64, value=127))
    hung = [pedal, *tune((0, 480, 60)), (480, mido.Message("note_on", note=67, velocity=90))]
    song = midi_file.open_song(save(tmp_path / "hung.mid", [*hung, meta(1920, "text", text="end")]))
    heard = synthesize(arrange_as_read(song), program=ORGAN)
    assert decibels(seconds(heard, 1.5, 1.9)) > -40
    assert len(heard) / SAMPLE_RATE < 2 + TAIL - 0.5
    assert decibels(seconds(heard, 2.8, 3.0)) < -50


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".OGG"])
@both
def test_files_hold_what_was_synthesized_and_the_same_bytes_each_time(tmp_path, suffix):
    arrangement = singing(*half_notes(CHORDS[:1]))
    first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    audio.write(arrangement, first, program=PIANO)
    audio.write(arrangement, second, program=PIANO)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [first.name, second.name]
    read, rate = soundfile.read(first, dtype="float32", always_2d=True)
    expected = synthesize(arrangement, program=PIANO)
    assert rate == SAMPLE_RATE
    assert read.shape == expected.shape
    loss = decibels(read - expected) - decibels(expected)
    assert loss < (-12 if suffix == ".OGG" else -70)
    assert np.abs(read).max() < 1


def test_a_suffix_that_is_no_sound_is_named(tmp_path):
    with pytest.raises(MusicaeError, match=r"tune\.aac: .* \.wav, \.flac, \.ogg, \.mp3"):
        audio.write(singing([(0, 4, 67)]), tmp_path / "tune.aac")
    with pytest.raises(MusicaeError, match="there is no folder"):
        audio.write(singing([(0, 4, 67)]), tmp_path / "nowhere" / "tune.wav")


@both
def test_a_soundfont_that_cannot_be_used_is_named_and_nothing_is_written(tmp_path):
    whole = audio.usable_soundfont(None).read_bytes()
    wrong = {
        "missing.sf2": (None, "no such SoundFont"),
        "text.sf2": (b"once upon a time", "is not a SoundFont"),
        "empty.sf2": (b"", "is not a SoundFont"),
        "half.sf2": (whole[: len(whole) // 2], "cannot be used as a SoundFont"),
        "head.sf2": (whole[:12], "cannot be used as a SoundFont"),
    }
    target = tmp_path / "tune.wav"
    target.write_bytes(b"as it was")
    for name, (content, fault) in wrong.items():
        font = tmp_path / name
        if content is not None:
            font.write_bytes(content)
        with pytest.raises(MusicaeError, match=rf"{name}: {fault}") as raised:
            audio.write(singing([(0, 4, 67)]), target, soundfont=font)
        assert "\n" not in str(raised.value)
    assert target.read_bytes() == b"as it was"
    assert not list(tmp_path.glob("*partial*"))
    with pytest.raises(MusicaeError, match="cannot be read"):
        synthesize(singing([(0, 4, 67)]), soundfont=tmp_path)


@both
def test_another_soundfont_is_used(tmp_path):
    copy = tmp_path / "copy of.sf2"
    copy.write_bytes(audio.usable_soundfont(None).read_bytes())
    arrangement = singing([(0, 4, 67)])
    assert np.array_equal(synthesize(arrangement, soundfont=copy), synthesize(arrangement))


def test_the_library_takes_over_if_the_program_fails(tmp_path, monkeypatch):
    arrangement = singing([(0, 4, 67)])
    expected = synthesize(arrangement)
    for failing in (str(tmp_path / "gone"), sys.executable):  # Python knows no such options
        monkeypatch.setattr(shutil, "which", lambda _, failing=failing: failing)
        assert np.array_equal(synthesize(arrangement), expected)


@pytest.mark.parametrize("library", ["midirenderer", "soundfile"])
def test_missing_libraries_are_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MusicaeError, match=r"pip install 'musicae\[studio\]'"):
        synthesize(singing([(0, 4, 67)]))


def test_music_that_lasts_for_hours_is_refused():
    song = midi_file.Arrangement(
        [[midi_file.Timed(*e) for e in tune((0, 480, 60))]], 480, 480 * 100_000
    )
    with pytest.raises(MusicaeError, match="833 minutes; a sound file can have up to 60 minutes"):
        synthesize(song)


@both
def test_stems_are_the_voices_and_together_the_whole(tmp_path):
    arrangement = singing(*half_notes())
    paths = [tmp_path / f"{voice}.wav" for voice in range(4)]
    audio.write_stems(arrangement, paths)
    stems = [soundfile.read(path, dtype="float32")[0] for path in paths]
    assert len({len(stem) for stem in stems}) == 1
    together = np.sum(stems, axis=0)
    assert np.abs(together).max() <= PEAK + 4 * audio.QUANTUM
    whole = synthesize(arrangement)
    length = min(len(whole), len(together))
    gain = np.abs(whole).max() / np.abs(together).max()
    assert np.abs(whole[:length] - gain * together[:length]).max() < 0.01


def test_each_stem_is_one_voice(tmp_path):
    paths = [tmp_path / f"{voice}.wav" for voice in range(4)]
    audio.write_stems(singing(*[[(16 * v, 4, 60)] for v in range(4)]), paths)
    for voice, path in enumerate(paths):
        stem = soundfile.read(path)[0]
        loudness = [decibels(seconds(stem, 4 * v, 4 * v + 1)) for v in range(4)]
        others = loudness[:voice] + loudness[voice + 2 :]  # the tail lies in the next
        assert loudness[voice] > -40 > max([-99, *others]) + 20


def test_stems_of_silent_voices_are_as_long_and_silent(tmp_path):
    paths = [tmp_path / f"{voice}.flac" for voice in range(4)]
    audio.write_stems(singing([(0, 16, 67)]), paths)
    stems = [soundfile.read(path)[0] for path in paths]
    assert len({len(stem) for stem in stems}) == 1
    assert [bool(stem.any()) for stem in stems] == [True, False, False, False]
