"""``render`` writes the format that the suffix names, and marks given notes."""

from dataclasses import replace

import numpy as np
import pytest

import musicae
from musicae.api import render
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import MusicaeError
from musicae.io import midi_writer
from musicae.rendering import audio, engraving, piano_roll
from tests.support.midifiles import save, tune
from tests.support.passages import CADENCE

PARALLELS = Chorale.from_notes([[(0, 4, 67), (4, 4, 69)], [(0, 8, 64)], [(0, 8, 60)],
                                [(0, 4, 48), (4, 4, 50)]])  # fmt: skip


@pytest.fixture
def seen(monkeypatch):
    """The arguments of the functions that draw, engrave and synthesize, which are not run."""
    found = {}
    monkeypatch.setattr(piano_roll, "draw", lambda music, out: found.update(roll=music, out=out))
    monkeypatch.setattr(
        engraving, "write", lambda xml, _, open_score: found.update(xml=xml, open=open_score)
    )
    monkeypatch.setattr(
        audio, "write", lambda arrangement, _, **how: found.update(sound=arrangement, how=how)
    )
    return found


@pytest.fixture
def harmonized(tmp_path, untrained):
    melody = save(tmp_path / "tune.mid", tune(*[(480 * i, 480 * i + 480, 67) for i in range(16)]))
    (piece,) = musicae.harmonize(melody, model=str(untrained["harmonizer"]))
    return piece


@pytest.mark.parametrize("name", ["hymn.mid", "hymn.musicxml"])
def test_given_notes_of_a_file_are_drawn_differently(tmp_path, seen, harmonized, name):
    harmonized.write(tmp_path / name)
    musicae.render(tmp_path / name, tmp_path / "roll.png")
    roll = seen["roll"]
    assert roll.chorale.notes(3) == harmonized.chorale.notes(3)
    assert roll.given[:, 0].all()
    assert not roll.given[:, 1:].any()
    assert roll.labels == ()
    assert roll.violations == ()


def test_rewritten_bars_are_drawn_differently_from_the_rest(tmp_path, seen, harmonized, untrained):
    harmonized.write(tmp_path / "whole.mid")
    (again,) = musicae.harmonize(
        tmp_path / "whole.mid", bars="2-3", model=str(untrained["harmonizer"])
    )
    again.write(tmp_path / "again.mid")
    musicae.render(tmp_path / "again.mid", tmp_path / "roll.png")
    from_file = seen["roll"].given
    assert np.argwhere(~from_file[:, 3]).ravel().tolist() == list(range(16, 48))
    musicae.render(again, tmp_path / "roll.png")
    sounding = again.chorale.pitch != REST
    assert (seen["roll"].given | ~from_file)[sounding].all()


def test_without_a_given_voice_the_bars_around_are_given():
    long = Chorale.from_notes([[(0, 48, 67)]])
    cells = render.given_cells(long, {"given": [], "bars": "2"})
    assert cells[:16].all()
    assert not cells[16:32].any()
    assert cells[32:].all()


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"given": "soprano"},
        {"given": ["flute"]},
        {"given": ["soprano"], "bars": "5-900"},
    ],
)
def test_a_file_without_usable_provenance_shows_no_difference(told):
    assert render.given_cells(CADENCE, told) is None


def test_a_piece_that_is_all_given_shows_no_difference(tmp_path, seen):
    voices = ["soprano", "alto", "tenor", "bass"]
    midi_writer.write(CADENCE, tmp_path / "hymn.mid", provenance={"given": voices})
    musicae.render(tmp_path / "hymn.mid", tmp_path / "roll.svg")
    assert seen["roll"].given is None


def test_analysis_and_violations_are_shown_on_request(tmp_path, seen):
    musicae.render(CADENCE, tmp_path / "roll.png", analysis=True, violations=True)
    assert seen["roll"].labels == ((0, "G: I"), (4, "V"), (8, "I"))
    musicae.render(PARALLELS, tmp_path / "roll.png", violations=True)
    assert [v.rule for v in seen["roll"].violations][:1] == ["parallel fifths"]
    musicae.render(PARALLELS, tmp_path / "score.pdf", violations=True)
    assert b"parallel fifths" in seen["xml"]
    musicae.render(CADENCE, tmp_path / "score.pdf", analysis=True)
    assert b"<harmony" in seen["xml"]


def test_several_are_drawn_under_their_names(tmp_path, seen):
    musicae.write(CADENCE, tmp_path / "one.mid")
    musicae.render([tmp_path / "one.mid", CADENCE, CADENCE, PARALLELS], tmp_path / "roll.png")
    assert list(seen["roll"]) == ["one", "Hymn", "3: Hymn", "4"]


def test_a_score_has_two_staves_or_four(tmp_path, seen):
    musicae.render(CADENCE, tmp_path / "score.svg", score=True)
    assert seen["open"] is False
    musicae.render(CADENCE, tmp_path / "score.svg", open_score=True)
    assert seen["open"] is True
    assert "roll" not in seen


def test_a_midi_file_is_synthesized_event_for_event(tmp_path, seen, harmonized):
    harmonized.write(tmp_path / "whole.mid")
    musicae.render(tmp_path / "whole.mid", tmp_path / "sound.wav", program=19)
    heard = [e.message for track in seen["sound"].tracks for e in track]
    velocities = {m.velocity for m in heard if m.type == "note_on" and m.channel == 0}
    assert velocities == {90}, "the player's own"
    assert seen["how"] == {"program": 19, "soundfont": None}


def test_any_midi_file_can_be_synthesized(tmp_path):
    chord = [tune((0, 480, 60 + i)) for i in range(6)]
    heard = render.arrangement_of(save(tmp_path / "six.mid", *chord))
    assert sum(e.message.type == "note_on" for track in heard.tracks for e in track) == 6


@pytest.mark.parametrize(
    ("out", "wishes", "complaint"),
    [
        ("a.gif", {}, "a piano roll is .png or .svg, a score .svg, .pdf, .png, sound .wav"),
        ("a.png", {"program": 19}, "a program and a SoundFont go only with .wav"),
        ("a.wav", {"analysis": True}, "sound takes one piece"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path, out, wishes, complaint):
    with pytest.raises(MusicaeError, match=complaint):
        musicae.render(CADENCE, tmp_path / out, **wishes)
    assert list(tmp_path.iterdir()) == []


def test_no_pieces_are_refused_and_equal_names_are_numbered(tmp_path, seen):
    with pytest.raises(MusicaeError, match=r"a\.png: nothing to render"):
        musicae.render([], tmp_path / "a.png")
    two = replace(CADENCE, title="2")
    musicae.render([two, replace(CADENCE, title="")], tmp_path / "a.png")
    assert list(seen["roll"]) == ["2", "2: 2"]


def test_several_pieces_are_drawn_as_piano_rolls_only(tmp_path):
    for out in ("a.pdf", "a.wav"):
        with pytest.raises(MusicaeError, match="takes one piece"):
            musicae.render([CADENCE, PARALLELS], tmp_path / out)


def test_a_piece_without_notes_is_not_synthesized(tmp_path):
    path = save(tmp_path / "empty.mid", [])
    with pytest.raises(MusicaeError, match=r"empty\.mid: has no notes"):
        musicae.render(path, tmp_path / "a.wav")


def test_violations_of_a_melody_cannot_be_marked(tmp_path):
    path = save(tmp_path / "tune.mid", tune((0, 480, 67)))
    with pytest.raises(MusicaeError, match=r"tune\.mid: is not in four voices"):
        musicae.render(path, tmp_path / "a.png", violations=True)
