"""The model does not read long silences; they come back where they were."""

import random

import numpy as np
import pytest

import musicae
from musicae.api.silence import KEPT, Condensed
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding import harmonize
from musicae.decoding.harmonize import Harmonization
from musicae.encoding.partial_score import PartialScore
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from tests.support.midifiles import save, tune

BAR = 1920


def phrase(bar):
    pitches = (67, 69, 71, 72, 71, 69, 67, 67)
    return [(bar * BAR + 480 * i, bar * BAR + 480 * i + 480, p) for i, p in enumerate(pitches)]


def heard_bars(monkeypatch):
    """The numbers of bars in each call of the model, as a list that grows."""
    found, fill = [], harmonize.harmonize

    def counting(model, partial, *others):
        found.append(partial.chorale.bar_count)
        return fill(model, partial, *others)

    monkeypatch.setattr(harmonize, "harmonize", counting)
    return found


@pytest.mark.parametrize("model", ["harmonizer", "minibach"])
def test_silent_bars_are_not_given_to_the_model(tmp_path, untrained, monkeypatch, model):
    path = save(tmp_path / "late.mid", tune(*phrase(300), *phrase(900)))
    heard = heard_bars(monkeypatch)
    (piece,) = musicae.harmonize(path, model=str(untrained[model]))
    assert heard == [1 + 2 * KEPT + 2 + KEPT, KEPT + 2]
    chorale = piece.chorale
    assert chorale.bar_count == 902
    assert [note.step for note in chorale.notes(0)] == [
        16 * bar + 4 * i for bar in (300, 900) for i in range(8)
    ]
    sounding = {chorale.measure_index(step) for step in np.flatnonzero(chorale.onset.any(axis=1))}
    assert sounding == {300, 301, 900, 901}
    assert chorale.pitch[: 16 * 300].max() == REST
    if piece.plan:
        assert piece.plan.beats == beats_of(chorale)
        planned = {b.bar for b, c in zip(piece.plan.beats, piece.plan.chords, strict=True) if c}
        silent = {*range(1 + KEPT, 300 - KEPT), *range(302 + KEPT, 900 - KEPT)}
        assert planned == set(range(902)) - silent
    piece.write(tmp_path / "out.mid")
    assert np.array_equal(musicae.read(tmp_path / "out.mid").pitch, chorale.pitch)


def test_passages_are_harmonized_as_each_alone(tmp_path):
    rest = KEPT * BAR
    later = [(start + rest, stop + rest, pitch) for start, stop, pitch in phrase(0)]
    both = save(tmp_path / "both.mid", tune(*phrase(0), *phrase(40)))
    alone = save(tmp_path / "alone.mid", tune(*later))
    (piece,) = musicae.harmonize(both, key="G major")
    (last,) = musicae.harmonize(alone, key="G major")
    there = slice(16 * 40, 16 * 42)
    assert np.array_equal(piece.chorale.pitch[there], last.chorale.pitch[16 * KEPT :])
    assert np.array_equal(piece.chorale.onset[there], last.chorale.onset[16 * KEPT :])
    assert (piece.chorale.pitch[16 * 2 : 16 * 40] == REST).all()
    assert (piece.chorale.pitch[: 16 * 2] != REST).all()
    planned = dict(zip(piece.plan.beats, piece.plan.chords, strict=True))
    assert [chord for beat, chord in planned.items() if beat.bar >= 40] == [
        *last.plan.chords[4 * KEPT :]
    ]
    assert {chord for beat, chord in planned.items() if 2 + KEPT <= beat.bar < 40 - KEPT} == {None}


def test_alternatives_differ_although_a_passage_is_a_single_note(tmp_path):
    last = (60 * BAR, 60 * BAR + BAR, 67)
    path = save(tmp_path / "note.mid", tune(*phrase(0), last))
    pieces = musicae.harmonize(path, 3, key="G major")
    assert len({piece.chorale for piece in pieces}) == 3
    assert all((piece.chorale.pitch[16 * 60] != REST).all() for piece in pieces)


def test_short_silences_stay(tmp_path, untrained, monkeypatch):
    path = save(tmp_path / "rests.mid", tune(*phrase(0), *phrase(2 + 2 * KEPT)))
    heard = heard_bars(monkeypatch)
    musicae.harmonize(path, model=str(untrained["minibach"]))
    assert heard == [4 + 2 * KEPT]


def sparse(seed):
    """A soprano that sounds in few of many bars, in changing meters, perhaps after a pickup."""
    rng = random.Random(seed)
    meters, step = [], 0
    for _ in range(rng.randrange(1, 6)):
        numerator, denominator = rng.choice([(4, 4), (3, 4), (6, 8), (2, 2), (5, 4), (7, 8)])
        meters.append(Meter(step, numerator, denominator))
        step += meters[-1].steps_per_bar * rng.randrange(1, 30) + rng.choice((0, 0, 0, 4))
    pitch = np.full((step, 4), REST)
    onset = np.zeros((step, 4), dtype=np.bool_)
    pickup = rng.choice((0, 0, 2))
    chorale = Chorale(pitch, onset, tuple(meters), pickup)
    for measure in chorale.measures:
        if rng.random() < 0.08:
            pitch[measure.start : measure.start + measure.length, 0] = rng.randrange(60, 75)
            onset[measure.start, 0] = True
    return Chorale(pitch, onset, tuple(meters), pickup)


@pytest.mark.parametrize("seed", range(60))
def test_omitted_silence_comes_back(seed):
    whole = sparse(seed)
    known = np.zeros_like(whole.onset)
    known[:, 0] = True
    for measure in whole.measures:
        bar = slice(measure.start, measure.start + measure.length)
        known[bar] |= whole.pitch[bar, 0].max() == REST
    score = PartialScore(whole, known, Key(0))
    read = []

    def harmonize_in_c(partial, n):
        beats = beats_of(partial.chorale)
        read.append(partial)
        plan = HarmonicPlan.parse(" ".join(["I"] * len(beats)), beats, Key(0))
        return [Harmonization(partial.chorale, plan=plan)] * n

    restored, again = Condensed.of(score).harmonized(harmonize_in_c, 2)
    assert restored.chorale == again.chorale
    assert sum(len(partial.chorale) for partial in read) <= len(whole)
    pitches = [note.pitch for partial in read for note in partial.chorale.notes(0)]
    assert pitches == [note.pitch for note in whole.notes(0)]
    for partial in read:
        singing = partial.chorale.pitch[:, 0] != REST
        assert np.array_equal(partial.known.all(axis=1), ~singing)
    assert np.array_equal(restored.chorale.pitch, whole.pitch)
    assert np.array_equal(restored.chorale.onset, whole.onset)
    assert restored.chorale.measures == whole.measures
    assert restored.plan.beats == beats_of(whole)
    for note in whole.notes(0):
        assert restored.plan.chord_at(note.step).symbol(Key(0)) == "C"


def test_a_passage_with_fewer_alternatives_repeats_its_best_one():
    whole = Chorale.from_notes([[(16 * bar, 16, 67) for bar in (0, 40)]])
    known = np.repeat(whole.pitch[:, :1] == REST, 4, axis=1)
    known[:, 0] = True
    read = []

    def harmonize(partial, n):
        read.append(partial)
        ways = range(n if len(read) == 1 else 1)
        return [Harmonization(partial.chorale, nats=float(way), cost=1.0) for way in ways]

    found = Condensed.of(PartialScore(whole, known, Key(0))).harmonized(harmonize, 3)
    assert len(read) == 2
    assert [each.nats for each in found] == [0.0, 1.0, 2.0]
    assert [each.cost for each in found] == [2.0] * 3


@pytest.mark.parametrize("pickup", [0, 4])
def test_notices_name_the_bars_of_the_file(pickup):
    notes = [(pickup + 16 * bar, 16, 67) for bar in (40, 80)]
    whole = Chorale.from_notes([notes], pickup=pickup)
    known = np.repeat(whole.pitch[:, :1] == REST, 4, axis=1)
    known[:, 0] = True

    def harmonize_with_notices(partial, _):
        assert partial.chorale.bar_count < whole.bar_count
        bar, _ = partial.chorale.position(partial.chorale.notes(0)[0].step)
        told = (f"bar {bar}: no half cadence fits the melody", "the last chord cannot be a triad")
        return [Harmonization(partial.chorale, notices=told)]

    (restored,) = Condensed.of(PartialScore(whole, known, Key(0))).harmonized(
        harmonize_with_notices, 1
    )
    places = [whole.position(note.step)[0] for note in whole.notes(0)]
    assert restored.notices == tuple(
        notice
        for bar in places
        for notice in (
            f"bar {bar}: no half cadence fits the melody",
            "the last chord cannot be a triad",
        )
    )
