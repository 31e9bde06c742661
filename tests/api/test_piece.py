"""A piece shows the harmony of its plan, or, without a plan, that of its voices."""

import json

import mido
import pytest

import musicae
from musicae.api import render
from musicae.api.piece import Piece
from musicae.core.key import Key
from musicae.decoding import harmonize as decoding
from musicae.decoding.planner import FoundPlan
from musicae.io.formats import read_provenance
from musicae.theory.harmonic_analysis import analyse, texts
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from tests.support.midifiles import save, tune
from tests.support.passages import HYMN, passage

BEATS = beats_of(HYMN)
PLAN = HarmonicPlan.parse("I G: IV V7,2:V65 I e: V i C: V7 I", BEATS, Key(0))
PLANNED = Piece(HYMN, {"plan": str(PLAN)}, plan=PLAN)
SHOWN = ((0, "C: I"), (4, "G: IV"), (8, "V7"), (10, "V65"), (12, "I"), (16, "e: V"), (20, "i"),
         (24, "C: V7"), (28, "I"))  # fmt: skip


def markers_in(path):
    track = mido.MidiFile(path).tracks[0]
    return [m.text for m in track if m.type == "marker" and m.text != "fermata"]


def words_in(path):
    return [text for _, text in SHOWN if f">{text}</words>" in path.read_text(encoding="utf-8")]


def test_the_labels_of_a_piece_are_those_of_its_plan_else_of_its_voices():
    assert tuple(texts(PLANNED.labels())) == SHOWN
    assert Piece(HYMN, {}).labels() == analyse(HYMN) != PLANNED.labels()


def test_files_and_pictures_show_the_plan_if_analysis_is_requested(tmp_path):
    PLANNED.write(tmp_path / "hymn.mid", analysis=True)
    assert markers_in(tmp_path / "hymn.mid") == [text for _, text in SHOWN]
    PLANNED.write(tmp_path / "hymn.musicxml", analysis=True)
    assert words_in(tmp_path / "hymn.musicxml") == [text for _, text in SHOWN]
    assert render.roll_of(PLANNED, analysis=True).labels == SHOWN
    for name in ("plain.mid", "plain.musicxml"):
        PLANNED.write(tmp_path / name)
    assert markers_in(tmp_path / "plain.mid") == []
    assert "<harmony" not in (tmp_path / "plain.musicxml").read_text(encoding="utf-8")
    assert render.roll_of(PLANNED).labels == ()


@pytest.mark.parametrize("name", ["hymn.mid", "hymn.musicxml"])
def test_a_file_that_is_read_again_is_analysed_by_its_voices(tmp_path, name):
    PLANNED.write(tmp_path / name, analysis=True)
    labels = render.roll_of(tmp_path / name, analysis=True).labels
    assert labels == tuple(texts(analyse(musicae.read(tmp_path / name)))) != SHOWN


def test_json_has_chords_and_numerals_of_each_beat():
    told = json.loads(json.dumps(PLANNED.as_dict()))
    assert told["numerals"] == ["I", "G: IV", "V7,2:V65", "I", "e: V", "i", "C: V7", "I"]
    assert told["chords"] == ["C", "C", "D7,2:D7/F#", "G", "B", "Em", "G7", "C"]
    for names in (told["numerals"], told["chords"]):
        assert HarmonicPlan.parse(" ".join(names), BEATS, Key(0)).changes() == PLAN.changes()
    plain = Piece(HYMN, {}).as_dict()
    assert plain["numerals"] is plain["chords"] is None


def test_the_plan_of_a_harmonization_has_its_local_keys(tmp_path, monkeypatch, untrained):
    """The phrase ends on G. Without a phrase end there, the chord on D would be V of V."""
    melody = passage("S E5 F5 D5 E5^ B4 C5 A4 B4^ A4 G4 F4 E4")
    planned = HarmonicPlan.parse("C F G C G D7 D7 G F C G7 C", beats_of(melody), Key(0))
    found = FoundPlan(planned, -1.0)
    monkeypatch.setattr(decoding, "_plans", lambda *_: [found])
    monkeypatch.setattr(decoding, "_with_seconds", lambda _, drafted, __: drafted)
    model = str(untrained["harmonizer"])
    (piece,) = musicae.harmonize(melody, key="C", model=model)
    told = "I IV V I | G: I V7 . I | C: IV I V7 I"
    assert (str(piece.plan), piece.provenance["plan"]) == (told, told)
    piece.write(tmp_path / "out.mid")
    assert read_provenance(tmp_path / "out.mid")["plan"] == told
    (whole,) = musicae.harmonize(melody, key="C", model=model, phrases="none")
    assert str(whole.plan) == "I IV V I | V V7/V . V | IV I V7 I"


def test_a_plan_in_provenance_is_read_back_with_its_keys(tmp_path, untrained):
    path = save(tmp_path / "tune.mid", tune(*[(480 * i, 480 * i + 480, p) for i, p in enumerate(
        (72, 74, 76, 72, 74, 78, 79, 79, 76, 78, 81, 78, 79, 79, 77, 74, 72, 71, 72, 72)
    )]))  # fmt: skip
    (piece,) = musicae.harmonize(path, model=str(untrained["harmonizer"]))
    piece.write(tmp_path / "out.mid", analysis=True)
    read = HarmonicPlan.parse(
        read_provenance(tmp_path / "out.mid")["plan"], piece.plan.beats, piece.plan.key
    )
    assert read == piece.plan
    assert len(markers_in(tmp_path / "out.mid")) == len(piece.labels())
