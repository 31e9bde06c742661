"""How each model is made for release: what it has to do, its layers and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from musicae.core.constants import VOICE_RANGES
from musicae.encoding import plan_features, step_features
from musicae.encoding.tokens import ACCOMPANIMENT, ALL_VOICES, ONLY_SOPRANO, VOCABULARY, WINDOW
from musicae.latent.attributes import ATTRIBUTES
from musicae.training.harmonizer import HarmonyTask
from musicae.training.minibach import WindowTask
from musicae.training.task import Recipe, Settings
from musicae.training.vae import CompositionTask

OUTER_FIRST = (0, 3, 2, 1)
"""Soprano, bass, tenor, alto: as harmony is taught, the outer voices before the inner ones."""


def _width(voices: Sequence[int]) -> int:
    return WINDOW * sum(VOCABULARY[v] for v in voices)


BY_HEART = Settings(
    epochs=24,
    batch_size=16,
    learning_rate=1.5e-3,
    weight_decay=0.05,
    patience=24,
    average=0.995,
    clip=1.0,
)
"""Three hundred chorales are few: after these epochs a harmonizer knows them by heart, unless it
hears from others how sure it may be."""

WRITER: dict[str, Any] = {
    "lowest": [low for low, _ in VOICE_RANGES],
    "symbols": list(VOCABULARY),
    "order": list(OUTER_FIRST),
    "context": list(step_features.SIZES),
    "dropout": 0.35,
}
"""The layers of a model that writes four voices."""

FOLLOWER: dict[str, Any] = WRITER | {
    "context": [*step_features.SIZES, *plan_features.PLAN_SIZES],
    "chords": [list(members) for members in plan_features.MEMBERS],
}
"""The layers of one that follows a plan."""

RECIPES = {
    "minibach": Recipe(
        task=WindowTask(given=ONLY_SOPRANO, answer=ACCOMPANIMENT),
        config={"inputs": _width(ONLY_SOPRANO), "outputs": _width(ACCOMPANIMENT), "hidden": 200},
        settings=Settings(epochs=20, learning_rate=5e-3, weight_decay=0.2),
    ),
    "autoencoder": Recipe(
        task=WindowTask(given=ALL_VOICES, answer=ALL_VOICES, to_the_end=True),
        config={"inputs": _width(ALL_VOICES), "hidden": 200, "bottleneck": 128},
        settings=Settings(epochs=20, learning_rate=5e-3, weight_decay=0.02),
    ),
    "harmonizer": Recipe(
        task=HarmonyTask(),
        config=FOLLOWER | {"width": 192, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.25},
        settings=replace(BY_HEART, epochs=60, patience=60),
        taught_by=HarmonyTask,
        precision="auto",
        four_part=True,
    ),
    "vae": Recipe(
        task=CompositionTask(piece_nats=20.0, beat_nats=0.3, probes=300),
        config=WRITER | {"encoder_layers": 1, "prior_layers": 2, "sliders": list(ATTRIBUTES)},
        settings=replace(BY_HEART, epochs=40, patience=40),
        precision="bf16-mixed",
    ),
}
