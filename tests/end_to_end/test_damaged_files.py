"""Damaged files are refused in one line or used; no other exception is raised."""

import importlib
import random

import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.io import musicxml_writer
from tests.support import paths
from tests.support.filling import filler
from tests.support.scores import bar, note, score

PARTS = {
    "Soprano": [
        bar(
            "<direction><direction-type><rehearsal>A</rehearsal></direction-type>"
            "<sound tempo='80'/></direction>",
            note("C5", 0, before="<grace/>"),
            *(note(name, 8, "<lyric><text>la</text></lyric>") for name in ("C5", "D5", "E5")),
            note("F#5", 24, '<tie type="start"/><notations><fermata/></notations>'),
            note("F#5", 24, '<tie type="stop"/>') + note("A5", 24, before="<chord/>"),
            "<forward><duration>24</duration></forward>",
            key=1,
            extra="<transpose><diatonic>0</diatonic><chromatic>0</chromatic></transpose>",
        ),
        bar(
            note("G5", 48, "<voice>1</voice>"),
            "<backup><duration>48</duration></backup>",
            note("E5", 48, "<voice>2</voice>"),
            meter="3/4",
            key=-1,
        )
        + "<barline location='right'><repeat direction='backward'/></barline>",
        bar(
            '<note><rest measure="yes"/><duration>72</duration></note>',
            meter="3/4",
            extra='<measure-style><measure-repeat type="start">1</measure-repeat></measure-style>',
        ),
    ],
    "Bass": [bar(note("C3", 96)), bar(note("D3", 72), meter="3/4"), bar(note("C3", 72))],
}
SCORES = [
    score(Melody=PARTS["Soprano"]),
    score(**PARTS),
    score(Women=PARTS["Soprano"], Men=PARTS["Bass"]),
    musicxml_writer.to_xml(
        Chorale.from_notes([[(0, 8, 72), (8, 8, 71)], [(0, 16, 67)], [(0, 16, 62)], [(0, 16, 55)]])
    ).decode(),
]


@pytest.fixture
def fuzz(monkeypatch):
    """The benchmark that runs for minutes; the tests run it for seconds."""
    monkeypatch.syspath_prepend(paths.ROOT / "benchmarks")
    return importlib.import_module("fuzz")


def use_all(fuzz, suffix, contents, seed, path, model):
    """Use a dozen damaged files; returns how many were refused."""
    rng, refused = random.Random(seed), 0
    for _ in range(12):
        path.write_bytes(fuzz.DAMAGES[suffix](rng.choice(contents), contents, rng))
        outcome = fuzz.use(path, model, **rng.choice(fuzz.SETTINGS))
        assert outcome in (fuzz.USED, fuzz.REFUSED)
        refused += outcome == fuzz.REFUSED
    return refused


@pytest.mark.parametrize("seed", range(12))
def test_damaged_melodies_are_used_or_refused_in_one_line(tmp_path, untrained, fuzz, seed):
    path, model = tmp_path / "tune.mid", str(untrained["minibach"])
    use_all(fuzz, ".mid", fuzz.sources(".mid"), seed, path, model)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_scores_are_used_or_refused_in_one_line(tmp_path, untrained, fuzz, seed):
    path, model = tmp_path / "tune.musicxml", str(untrained["minibach"])
    contents = [text.encode() for text in SCORES]
    with filler():
        assert use_all(fuzz, ".musicxml", contents, seed, path, model) < 12


@pytest.mark.parametrize("suffix", [".abc", ".mei", ".krn"])
def test_damaged_notations_are_used_or_refused_in_one_line(tmp_path, untrained, fuzz, suffix):
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"tune{suffix}"
    contents = []
    for name in ("amazing_grace", "abide_with_me"):
        musicae.write(musicae.read(paths.ROOT / "data" / "melodies" / f"{name}.mid"), whole)
        contents.append(whole.read_bytes())
    use_all(fuzz, suffix, contents, 1, path, str(untrained["minibach"]))
