"""Measure the VAE's latent space: use of the vectors, interpolations, sliders, speed.

    python benchmarks/latent.py [--side valid|test] [--pairs 50] [--model vae]

``benchmarks/new_pieces.py`` measures new pieces of the VAE.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import musicae
from musicae.core.chorale import Chorale
from musicae.corpus import load
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.encoding import forms
from musicae.evaluation import bach_likeness
from musicae.evaluation.latent import latent_report, rebuilt
from musicae.latent import attributes, compose
from musicae.latent.distance import distance
from musicae.latent.space import LatentPoint, encode, sample, shift
from musicae.models.checkpoint import Checkpoint, load_model

AMOUNTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
PLACES = 24
"""The number of pieces; each is moved along each slider."""
STEPS = 7
"""The number of pieces of an interpolation; both ends count."""


def interpolations(model: Checkpoint, chorales: Sequence[Chorale], count: int) -> None:
    """Print distances and Bach-likeness of interpolations between random pairs of chorales."""
    generator = np.random.default_rng(0)
    towards, middles, ends = [], [], []
    for _ in range(count):
        one, other = (chorales[i] for i in generator.choice(len(chorales), 2, replace=False))
        path = compose.path_between(
            model, encode(model, one), encode(model, other), STEPS, SamplingOptions(LIKELIEST)
        )
        pieces = [each.chorale for each in path]
        away = np.diff([distance(pieces[0], piece) for piece in pieces])
        near = np.diff([distance(piece, pieces[-1]) for piece in pieces])
        towards.append(bool((away > 0).all() and (near < 0).all()))
        grades = [bach_likeness.grade(piece).total for piece in pieces]
        middles.append(grades[STEPS // 2])
        ends += [grades[0], grades[-1]]
    print(
        f"{count} interpolations of {STEPS} pieces: each piece is farther from A and nearer to B"
        f" than the one before in {np.mean(towards):.0%}; median Bach-likeness in the middle"
        f" {np.median(middles):.2f}, at the ends {np.median(ends):.2f}"
    )


def sliders(model: Checkpoint) -> None:
    """Print the effect of each slider, in standard deviations of Bach's train side."""
    train = np.array([attributes.measured(chorale) for chorale in load.load().side("train")])
    deviation = train.std(axis=0)
    places = sample(model, forms.draw_forms(PLACES, 1), "fitted", [(1, i) for i in range(PLACES)])
    names = list(attributes.ATTRIBUTES)
    for number, name in enumerate(names):
        means = []
        for amount in AMOUNTS:
            moved: list[LatentPoint] = [shift(model, place, {name: amount}) for place in places]
            pieces = [
                each.chorale
                for each in compose.decode_points(model, moved, SamplingOptions(LIKELIEST))
            ]
            measured = np.array([attributes.measured(piece) for piece in pieces])
            means.append(measured.mean(axis=0) / deviation)
        table = np.array(means)
        own = table[:, number]
        slopes = np.polyfit(AMOUNTS, table, 1)[0]
        others = ", ".join(
            f"{other} {slope:+.2f}"
            for other, slope in zip(names, slopes, strict=True)
            if other != name
        )
        verdict = "rising" if (np.diff(own) > 0).all() else "NOT rising"
        at = " ".join(f"{amount:+g}" for amount in AMOUNTS)
        print(
            f"slider {name}: {' '.join(f'{value - own[2]:+.2f}' for value in own)} at {at},"
            f" {verdict} throughout; {slopes[number]:+.2f} per unit; others {others}"
        )


def speed() -> None:
    """Print the time for pieces of 16 bars of 4/4, after a first run that does not count."""
    for n in (1, 8):
        musicae.generate(n, bars=16, meter="4/4", seed=1)
        seconds = []
        for seed in range(3):
            began = time.perf_counter()
            musicae.generate(n, bars=16, meter="4/4", seed=seed)
            seconds.append(time.perf_counter() - began)
        print(f"{n} of 16 bars, warm: {np.median(seconds):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", default="test", choices=("valid", "test"))
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--model", default="vae", help="its name or weights file")
    arguments = parser.parse_args()
    data = load.load()
    model = load_model(arguments.model)
    print(f"{arguments.side}: {latent_report(model, data.side(arguments.side))}")
    train = data.side("train")[:PLACES]
    share = rebuilt(model, train, [encode(model, chorale) for chorale in train])
    print(f"train: pitches rebuilt {share:.1%} ({PLACES} chorales)")
    interpolations(model, data.side(arguments.side), arguments.pairs)
    sliders(model)
    speed()


if __name__ == "__main__":
    main()
