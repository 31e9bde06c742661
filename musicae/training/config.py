"""The recipes of the shipped models: task, layers and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from musicae.core.constants import STYLES, VOICE_RANGES
from musicae.decoding import levers, motion_tilt, plan_tilt, sonority_tilt
from musicae.encoding import plan_features, step_features
from musicae.encoding.tokens import ACCOMPANIMENT, ALL_VOICES, ONLY_SOPRANO, VOCABULARY, WINDOW
from musicae.latent.attributes import ATTRIBUTES
from musicae.training.harmonizer import HarmonyTask
from musicae.training.minibach import WindowTask
from musicae.training.task import Recipe, Settings
from musicae.training.vae import CompositionTask

OUTER_FIRST = (0, 3, 2, 1)
"""The order in which voices are written: soprano, bass, tenor, alto. Outer voices come first, as in
harmony teaching."""


def _width(voices: Sequence[int]) -> int:
    """The length of MiniBach's flattened one-hot vectors of these voices."""
    return WINDOW * sum(VOCABULARY[v] for v in voices)


TRANSFORMER_SETTINGS = Settings(
    epochs=24,
    batch_size=16,
    learning_rate=1.5e-3,
    weight_decay=0.05,
    patience=24,
    average=0.995,
    clip=1.0,
)
"""Settings for a training side of three hundred chorales. Without teachers, a harmonizer that is
trained for more epochs overfits."""

FORTY_EPOCHS = replace(TRANSFORMER_SETTINGS, epochs=40, patience=40)

TRANSFORMER: dict[str, Any] = {
    "lowest": [low for low, _ in VOICE_RANGES],
    "symbols": list(VOCABULARY),
    "order": list(OUTER_FIRST),
    "context": list(step_features.SIZES),
    "dropout": 0.35,
}
"""The vocabulary and layers of a ``VoiceTransformer`` for four voices."""

FOLLOWER: dict[str, Any] = TRANSFORMER | {
    "context": [*step_features.SIZES, *plan_features.PLAN_SIZES],
    "chords": [list(members) for members in plan_features.MEMBERS],
}
"""The same for a model that follows a plan."""

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
        settings=replace(FORTY_EPOCHS, seed=1),
        taught_by=HarmonyTask,
        teachers=(FORTY_EPOCHS,),
        precision="auto",
        four_part=True,
    ),
    "vae": Recipe(
        task=CompositionTask(piece_nats=20.0, beat_nats=0.45, probes=300),
        config=FOLLOWER
        | {
            "width": 192,
            "dropout": 0.25,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "lead_layers": 2,
            "prior_layers": 3,
            "beat": 12,
            "mode": step_features.MODE,
            "styles": 1 + len(STYLES),
            "tilt": list(motion_tilt.SHAPE),
            "sonority_tilt": list(sonority_tilt.SHAPE),
            "plan_tilt": plan_tilt.SIZE,
            "levers": len(levers.LEVERS),
            "sliders": list(ATTRIBUTES),
        },
        settings=replace(TRANSFORMER_SETTINGS, epochs=40, patience=40, average=0.998),
        precision="auto",
        four_part=True,
    ),
}
"""The recipes by model name; the names are keys of ``checkpoint.KINDS``."""
