"""Smaller sizes for the models that tests make and train, by the model's name."""

WRITER = {
    "width": 16,
    "heads": 2,
    "depth": 4,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "head_layers": 1,
}
SMALL = {
    "minibach": {"hidden": 8},
    "autoencoder": {"hidden": 8, "bottleneck": 4},
    "harmonizer": WRITER,
    "vae": WRITER
    | {
        "piece": 8,
        "beat": 4,
        "prior_layers": 1,
        "lead_layers": 1,
        "components": 2,
        "planner": 8,
        "tilt": [0],  # many pieces are written to fit tilts
        "sonority_tilt": [0],
        "plan_tilt": 0,
    },
}
TINY = {
    "width": 16,
    "heads": 2,
    "depth": 4,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "head_layers": 1,
    "span": 4,
}
"""Sizes for a decoder of voices that is run without training."""
