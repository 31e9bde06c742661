"""Make ``data/results/``: melodies harmonized, new chorales, and the README's pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import musicae
from musicae.api import render
from musicae.corpus import load
from musicae.corpus.summary import draw_summary
from musicae.latent import space
from musicae.latent.attributes import ATTRIBUTES, measured
from musicae.models.checkpoint import load_model
from musicae.rendering import engraving, piano_roll, plots

DATA = Path(__file__).resolve().parent.parent / "data"
RESULTS = DATA / "results"
PICTURED = "old_hundredth"
ENGRAVED = "greensleeves"
NEW = 8
ARRANGED, OTHERS = "abide_with_me", ("ttbb", "sab", "brass")
SUNG = "old_hundredth"
DOXOLOGY = """\
Praise God, from whom all bless-ings flow;
Praise him, all crea-tures here be-low;
Praise him a-bove, ye heav'n-ly host;
Praise Fa-ther, Son, and Ho-ly Ghost.
"""
"""Words by Thomas Ken, 1674."""
FOLLOWED = "silent_night"
CHORDS = """
Bb        | Bb6     | F7        | Bb  Bb7/D
Ebmaj7    | Bb/F Gm | Ebadd9    | Bb/D Gm7
Cm7 F7/A  | Bb      | Bb/F F9   | Bb
"""
ENDS = ("old_hundredth", "ode_to_joy")
"""The two results whose interpolation in latent space is shown."""
STEPS = 5
"""The number of pieces of the interpolation; both ends count."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    RESULTS.mkdir(exist_ok=True)
    harmonize_melodies(RESULTS)
    follow_chords(RESULTS / "chords")
    set_words(RESULTS / "words")
    for_others(RESULTS / "ensembles")
    compose(RESULTS / "new")
    draw_interpolation(RESULTS)
    draw_map(RESULTS / "latent_map.png")
    draw_summary(load.load(), RESULTS / "corpus.png")


def harmonize_melodies(results: Path) -> None:
    for melody in sorted((DATA / "melodies").glob("*.mid")):
        (piece,) = musicae.harmonize(melody)
        piece.write(results / melody.name)
        show(piece, results / f"{melody.stem}.png")
        if melody.stem == PICTURED:
            (before,) = musicae.harmonize(melody, model="minibach")
            pair = {
                name: render.roll_of(each, violations=True)
                for name, each in (("MiniBach", before), ("the harmonizer", piece))
            }
            piano_roll.draw(pair, results / "beside_minibach.png", bars=4)
        if melody.stem == ENGRAVED:
            score = results / f"{melody.stem}_score.png"
            musicae.render(piece, score, score=True, analysis=True)
        print_report(piece)


def follow_chords(folder: Path) -> None:
    """Harmonize a melody with given chords, and write the lead sheet of another melody."""
    folder.mkdir(exist_ok=True)
    (piece,) = musicae.harmonize(DATA / "melodies" / f"{FOLLOWED}.mid", chords=CHORDS)
    for suffix in (".mid", ".musicxml"):
        piece.write(folder / f"{FOLLOWED}{suffix}")
    musicae.render(piece, folder / f"{FOLLOWED}.png", score=True, analysis=True)
    musicae.chords(DATA / "melodies" / "amazing_grace.mid").write(folder / "amazing_grace.txt")
    print_report(piece)


def set_words(folder: Path) -> None:
    """Harmonize a melody with words from a text file; all voices get the words."""
    folder.mkdir(exist_ok=True)
    words = folder / "doxology.txt"
    words.write_text(DOXOLOGY, encoding="utf-8")
    (piece,) = musicae.harmonize(DATA / "melodies" / f"{SUNG}.mid", words=words)
    for suffix in (".mid", ".musicxml"):
        piece.write(folder / f"{SUNG}{suffix}")
    musicae.render(piece, folder / f"{SUNG}.png", score=True)
    print_report(piece)


def for_others(folder: Path) -> None:
    """Harmonize a melody for men's voices, for three voices and for brass."""
    folder.mkdir(exist_ok=True)
    for name in OTHERS:
        (piece,) = musicae.harmonize(DATA / "melodies" / f"{ARRANGED}.mid", ensemble=name)
        for suffix in (".mid", ".musicxml"):
            piece.write(folder / f"{ARRANGED}-{name}{suffix}")
        engraving.write_staves(piece.to_xml(), folder / f"{ARRANGED}-{name}.png")
        print_report(piece)


def compose(folder: Path) -> None:
    """Write and draw new chorales by the VAE."""
    folder.mkdir(exist_ok=True)
    for number, piece in enumerate(musicae.generate(NEW), start=1):
        path = folder / f"chorale-0-{number}.mid"
        piece.write(path)
        show(piece, path.with_suffix(".png"))
        print_report(piece)


def draw_interpolation(results: Path) -> None:
    """Draw an interpolation between two harmonized melodies as piano rolls above each other."""
    one, other = (results / f"{name}.mid" for name in ENDS)
    pieces = musicae.interpolate(one, other, STEPS)
    chorales = {f"{i} of {STEPS}": piece.chorale for i, piece in enumerate(pieces, start=1)}
    piano_roll.draw(chorales, results / "interpolation.png", bars=4)


def draw_map(path: Path) -> None:
    """Draw Bach's chorales in latent space, projected to their first two principal components."""
    model = load_model("vae")
    chorales = load.load().chorales
    places = [space.encode(model, chorale) for chorale in chorales]
    vectors = np.stack(
        [np.concatenate([p.latent.piece[0], p.latent.beats[0].mean(axis=0)]) for p in places]
    )
    vectors = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    flat = vectors @ np.linalg.svd(vectors, full_matrices=False)[2][:2].T
    has = np.array([measured(chorale) for chorale in chorales])
    colours = {
        "mode (minor dark)": [place.form.key.mode == "minor" for place in places],
        "meter (triple dark)": [str(c.meters[0]).startswith("3") for c in chorales],
        **dict(zip(ATTRIBUTES, has.T, strict=True)),
    }
    figure = plots.load_matplotlib().figure.Figure((13, 6.4), layout="constrained")
    panels = figure.subplots(2, -(-len(colours) // 2)).flatten()
    for ax in panels[len(colours) :]:
        ax.set_axis_off()
    for ax, (title, coloured) in zip(panels, colours.items(), strict=False):
        values = np.asarray(coloured, dtype=float)
        low, high = np.quantile(values, (0.05, 0.95))
        ax.scatter(*flat.T, c=values, cmap="viridis_r", s=9, vmin=low, vmax=max(high, low + 1e-9))
        ax.set_title(title, fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    plots.save_figure(figure, path)


def show(piece: musicae.Piece, path: Path) -> None:
    """Draw a piano roll with Roman numerals and violations."""
    musicae.render(piece, path, analysis=True, violations=True)


def print_report(piece: musicae.Piece) -> None:
    report = piece.report()
    broken = ", ".join(report.beyond_bach) or "none"
    print(f"{piece.chorale}: {len(report.violations)} violations, more often than Bach: {broken}")


if __name__ == "__main__":
    main()
