"""The shipped weights are whole, described and small, and write exactly the golden output.

After new weights are trained, ``python -m tests.end_to_end.test_shipped_weights [MODEL...]`` writes
the golden file again, for all models or for the named ones.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import musicae
from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.ensembles import ENSEMBLES
from musicae.core.key import Key
from musicae.decoding import phrases as phrase_reading
from musicae.decoding.conditioning import Conditioning
from musicae.decoding.key import find_mode
from musicae.decoding.planner import plan_problem
from musicae.encoding.batches import masked_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ONLY_SOPRANO, chorale_to_tokens, flatten
from musicae.models import checkpoint
from musicae.models.checkpoint import load_model
from musicae.training.config import RECIPES
from tests.support.paths import RESULTS

GOLDEN = Path(__file__).parent / "golden" / "weights.json"
COMPOSED = RESULTS / "new" / "chorale-0-2.mid"
"""A piece of the VAE's with its latent point. A newly sampled point would be rounded differently on
another processor."""
MOST_BYTES = 40 * 2**20

PITCHES = [67, 69, 71, 72, 74, 71, 69, 67, 72, 71, 69, 74, 71, 69, 67, 67]
MELODY = Chorale.from_notes([[(4 * i, 4, pitch) for i, pitch in enumerate(PITCHES)]])


def notes(chorale):
    return [[list(note) for note in chorale.notes(voice)] for voice in range(4)]


def harmonizer():
    (piece,) = musicae.harmonize(MELODY, temperature=0)
    return {"notes": notes(piece.chorale), "logits": next_to_the_tune()}


def minibach():
    (piece,) = musicae.harmonize(MELODY, model="minibach")
    soprano = flatten(chorale_to_tokens(MELODY), ONLY_SOPRANO)[None]
    (found,) = load_model("minibach").run("accompany", soprano=soprano)
    return {"notes": notes(piece.chorale), "logits": rounded(found[0, ::500])}


def vae():
    piece = musicae.decode(COMPOSED, temperature=0)
    point = musicae.encode(piece.chorale)
    numbers = [*point.latent.piece[0], *point.latent.beats[0, 0]]
    return {"notes": notes(piece.chorale), "logits": [round(float(x), 4) for x in numbers]}


def autoencoder():
    (piece,) = musicae.generate(1, seed=3, model="autoencoder")
    model = load_model("autoencoder")
    (found,) = model.run("decode", code=np.zeros((1, model.config.bottleneck), dtype=np.float32))
    return {"notes": notes(piece.chorale), "logits": rounded(found[0, ::500])}


def planner():
    problem = plan_problem(load_model("planner"), MELODY, Key(1), (28, 60))
    found = problem.with_seconds(problem.best())
    return {"notes": str(found.plan), "logits": [round(found.log_likelihood, 4)]}


def phrases():
    shares = phrase_reading.marginals(MELODY, Key(1))[1]
    return {
        "notes": list(phrase_reading.phrase_ends(MELODY, Key(1))),
        "logits": [round(share, 4) for share in shares.tolist()],
    }


def key():
    found = find_mode(MELODY)
    return {"notes": [str(found.key), found.mode], "logits": [round(found.probability, 4)]}


def ensembles():
    half = MELODY.bars(1, 2)
    written = {
        name: notes(musicae.harmonize(half, ensemble=name, temperature=0)[0].chorale)
        for name in ENSEMBLES
    }
    return {"notes": written, "logits": []}


OUTPUTS = {
    "harmonizer": harmonizer,
    "minibach": minibach,
    "vae": vae,
    "autoencoder": autoencoder,
    "planner": planner,
    "phrases": phrases,
    "key": key,
    "ensembles": ensembles,
}
"""The output of each model for a melody, a latent point or a seed, and some of its numbers."""
assert OUTPUTS.keys() == checkpoint.KINDS.keys() | checkpoint.READERS.keys() | {"ensembles"}


def next_to_the_tune():
    """A few numbers of the harmonizer's encoding of the tune."""
    model = load_model("harmonizer")
    batch = masked_batch(PartialScore.of(MELODY, voices=ONLY_SOPRANO), model.config)
    return rounded(Conditioning(model, batch)[:, 0:64][0, ::8, ::24].ravel())


def rounded(numbers):
    return [round(float(number), 4) for number in numbers]


@pytest.fixture(params=checkpoint.ENGINES)
def _engine(request):
    """Each engine in turn; both give the same up to rounding."""
    before = checkpoint.engine_in_use()
    musicae.use_engine(request.param)
    yield
    musicae.use_engine(before)


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("name", OUTPUTS)
def test_shipped_weights_give_their_golden_output(name):
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    found = OUTPUTS[name]()
    assert found["notes"] == expected["notes"]
    assert found["logits"] == pytest.approx(expected["logits"], rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("name", checkpoint.KINDS)
def test_weights_are_described_beside_them(name):
    loaded = checkpoint.load_checkpoint(checkpoint.find(name))
    facts = json.loads((assets.WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    assert facts["checksum"] == loaded.checksum
    assert loaded.provenance.items() <= facts.items()
    assert facts["settings"] == asdict(RECIPES[name].settings)
    assert facts["config"] == RECIPES[name].config
    log = (assets.WEIGHTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    assert len(log) == 1 + facts["epochs"]


@pytest.mark.parametrize("name", checkpoint.READERS)
def test_analysis_models_name_their_training_data(name):
    loaded = checkpoint.load_checkpoint(checkpoint.find(name))
    assert loaded.can("read")
    assert loaded.provenance["data"]
    facts = json.loads((assets.WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    assert facts["checksum"] == loaded.checksum
    assert facts["data"]["pieces"] > 1000
    assert facts["metrics"]
    assert (assets.WEIGHTS / f"{name.upper()}.md").is_file()


def test_weights_are_small():
    assert sum(path.stat().st_size for path in assets.WEIGHTS.iterdir()) < MOST_BYTES


if __name__ == "__main__":
    known = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.is_file() else {}
    known |= {name: OUTPUTS[name]() for name in sys.argv[1:] or OUTPUTS}
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(known) + "\n", encoding="utf-8")
