"""Each way to spoil Bach worsens the expected figures, and changes no other figure even by a
rounding error."""

import numpy as np
import pytest

from musicae.core.constants import REST
from musicae.corpus import load
from musicae.encoding.tokens import ONLY_SOPRANO
from musicae.evaluation.bach_likeness import grade, progression
from musicae.evaluation.histograms import style
from musicae.evaluation.originality import Index
from tests.support.wrecks import bars_are_closed, with_bars_shuffled, with_noise, with_voice_shifted

ALTO = 1
PASSAGE, TUNE = "longest passage", "longest passage of the soprano"


@pytest.fixture(scope="module")
def bach():
    return load.load()


@pytest.fixture(scope="module")
def figures(bach):
    passages, tunes = Index(bach.side("train")), Index(bach.side("train"), ONLY_SOPRANO)

    def of(chorale):
        return grade(chorale)._asdict() | {
            "progression": progression(chorale),
            PASSAGE: passages.longest(chorale).beats,
            TUNE: tunes.longest(chorale).beats,
        }

    return of


@pytest.fixture(scope="module")
def changes(bach, figures):
    """How much each figure of the held-out chorales changes: an array ``(n,)`` for each figure."""

    def by(wreck, suits=lambda _: True):
        rows = []
        for chorale in filter(suits, bach.side("valid")):
            wrecked = wreck(chorale)
            # A few are read in the other mode after the damage, and compared with Bach in that
            # mode.
            if style(wrecked).mode == style(chorale).mode:
                before, after = figures(chorale), figures(wrecked)
                rows.append([after[name] - before[name] for name in before])
        assert len(rows) > 10
        return dict(zip(before, np.array(rows).T, strict=True))

    return by


def moved(changes):
    return {name for name, change in changes.items() if change.any()}


def test_shuffled_bars_worsen_their_figures_only(changes):
    change = changes(with_bars_shuffled, bars_are_closed)
    assert set(change) - moved(change) == {"note", "rhythm", "harmonic_quality"}
    assert np.median(change["bass_intervals"]) > 0.5
    assert np.median(change["parallel_errors"]) > 1
    assert np.median(change["progression"]) > 0.1
    assert np.median(change[PASSAGE]) < 0


def test_a_raised_alto_worsens_its_figures_only(changes):
    change = changes(lambda chorale: with_voice_shifted(chorale, ALTO, 1))
    assert moved(change) == {"note", "harmonic_quality", "parallel_errors", "progression", PASSAGE}
    for name in ("note", "harmonic_quality", "progression"):
        assert (change[name] > 0).all()
    assert (change[PASSAGE] < 0).all()


def test_a_random_alto_worsens_its_figures_only(changes):
    change = changes(lambda chorale: with_noise(chorale, ALTO))
    untouched = {"rhythm", "soprano_intervals", "tenor_intervals", "bass_intervals", TUNE}
    assert set(change) - moved(change) == untouched
    for name in ("alto_intervals", "harmonic_quality", "progression"):
        assert (change[name] > 0).all()
    assert np.median(change["parallel_errors"]) > 1
    assert (change[PASSAGE] < 0).all()


def test_transposing_a_chorale_changes_no_figure(changes):
    assert not moved(changes(lambda chorale: chorale.transpose(3)))


def test_a_copied_chorale_is_found_by_its_shared_passage(bach, figures):
    """Only originality shows it; by all other figures a copy is as good as Bach."""
    sung = [c for c in bach.side("train") if (c.pitch[:, 0] != REST).all()]  # without a pause
    copies = [chorale.transpose(2) for chorale in sung[:40]]
    found = [figures(copy) for copy in copies]
    for copy, its in zip(copies, found, strict=True):
        assert its[PASSAGE] == its[TUNE] == len(copy) / 4
    assert np.median([its[PASSAGE] for its in found]) > 10 * 4
    likeness = [sum(its[name] for name in grade(copies[0])._fields) for its in found]
    assert np.median(likeness) < 6
