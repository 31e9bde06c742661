"""Answer each request with the public API; most results are values for JSON."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import musicae
from musicae.api.piece import Piece
from musicae.api.project import Project
from musicae.api.project_values import as_json, break_of
from musicae.core.constants import N_VOICES, TICKS_A_STEP
from musicae.core.errors import ChoraleError
from musicae.core.version import __version__
from musicae.studio import exports, requests, scores
from musicae.studio.computing import File
from musicae.studio.settings import Limits, Settings


class Operations:
    """The computations of the service. All methods may raise MusicaeError."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._opened = settings.opened
        self._about: dict[str, Any] | None = None

    def project(self, value: Mapping[str, Any]) -> Project:
        """Read the project of a request. Raises ChoraleError if it is too long."""
        project = Project.of_dict(value)
        self._check_bars(len(project.measures))
        return project

    def _check_bars(self, bars: int) -> None:
        if bars > self._limits.bars:
            raise ChoraleError(
                f"this piece has {bars} bars; musicae studio accepts up to {self._limits.bars}"
            )

    def harmonize(self, asked: requests.Harmonize) -> dict[str, Any]:
        """Write the voices, or some bars of them, and say which bars changed."""
        before = self.project(asked.project)
        after = before.harmonized(_bars(asked.bars), asked.redraw)
        return {"harmony": as_json(after.harmony), "changed": _changed(before, after)}

    def alternatives(self, asked: requests.Alternatives) -> dict[str, Any]:
        """Several harmonies of the same tune."""
        found = self.project(asked.project).alternatives(asked.n, _bars(asked.bars))
        return {"alternatives": [as_json(each.harmony) for each in found if each.harmony]}

    def chords(self, asked: requests.Chords) -> dict[str, Any]:
        """The chords that fit at a tick, with their probabilities."""
        found = self.project(asked.project).chord_choices(asked.start)
        return found._asdict() | {"choices": [choice._asdict() for choice in found.choices]}

    def mend(self, asked: requests.Mend) -> dict[str, Any]:
        """Rewrite the voices around a break, if that removes it."""
        before = self.project(asked.project)
        after = before.mended(break_of(asked.broken, "the place to mend"))
        return {
            "harmony": as_json((after or before).harmony),
            "mended": after is not None,
            "changed": _changed(before, after) if after else None,
        }

    def score(self, asked: requests.Score) -> dict[str, Any]:
        """The engraved score for the screen."""
        return scores.score(self.project(asked.project).piece(), asked)

    def export(self, asked: requests.Export) -> File:
        """A file of the project."""
        project = self.project(asked.project)
        others = [
            Project.of_dict({**asked.project, "harmony": harmony}) for harmony in asked.alternatives
        ]
        return exports.export(project, others, asked)

    def open(self, content: bytes, name: str) -> dict[str, Any]:
        """The parts of a file, each as a project with it as the tune."""
        parts = [
            {
                "name": part.name,
                "notes": part.notes,
                "chosen": part.chosen,
                "project": part.project.as_dict(),
                "notices": part.notices,
            }
            for part in Project.open_parts(content, name)
            if len(part.project.measures) <= self._limits.bars
        ]
        if not parts:
            raise ChoraleError(
                f"{name}: musicae studio accepts pieces of up to {self._limits.bars} bars"
            )
        return {"parts": parts}

    def opened(self) -> dict[str, Any] | None:
        """The file that the service was started with, once: None for later requests."""
        opened, self._opened = self._opened, None
        return self.open(*opened) if opened else None

    def about(self) -> dict[str, Any]:
        """The result of the function ``about``, computed once."""
        if self._about is None:
            self._about = about(self._limits)
        return self._about

    def soundfont(self) -> File:
        """The installed General MIDI SoundFont."""
        from musicae.rendering.audio import usable_soundfont

        path = usable_soundfont(None)
        return File(path.name, "audio/x-soundfont", path.read_bytes())

    def compose(self, asked: requests.Compose) -> dict[str, Any]:
        """New pieces as projects."""
        self._check_bars(asked.bars or 0)
        made = musicae.generate(
            asked.n,
            seed=asked.seed,
            temperature=asked.temperature,
            bars=asked.bars,
            key=asked.key,
            meter=asked.meter,
            style=asked.style,
            form=asked.form,
            slide=dict(asked.sliders),
        )
        return _projects(made)

    def vary(self, asked: requests.Vary) -> dict[str, Any]:
        """Variations of a piece as projects."""
        made = musicae.vary(
            self.project(asked.project).piece().chorale,
            asked.n,
            amount=asked.amount,
            slide=dict(asked.sliders),
            keep=asked.keep,
            seed=asked.seed,
            temperature=asked.temperature,
        )
        return _projects(made)

    def interpolate(self, asked: requests.Interpolate) -> dict[str, Any]:
        """Pieces that lead from one piece to another, as projects."""
        one, other = (self.project(each).piece().chorale for each in (asked.first, asked.last))
        made = musicae.interpolate(
            one, other, asked.n, seed=asked.seed, temperature=asked.temperature
        )
        return _projects(made)


def _bars(asked: Sequence[int] | None) -> tuple[int, int] | None:
    return None if asked is None else (asked[0], asked[1])


def _changed(before: Project, after: Project) -> list[int] | None:
    """The first and the last bar whose notes differ; None if no note does."""
    old, new = (
        each.harmony.voices if each.harmony else ((),) * N_VOICES for each in (before, after)
    )
    pairs = zip(old, new, strict=True)
    different = [note for was, now in pairs if was != now for note in {*was} ^ {*now}]
    if not different:
        return None
    first = min(note.start for note in different)
    last = max(note.end for note in different) - 1
    starts = [measure.start * TICKS_A_STEP for measure in after.measures]
    return [after.first_bar + max(0, bisect_right(starts, tick) - 1) for tick in (first, last)]


def _projects(pieces: Sequence[Piece]) -> dict[str, Any]:
    return {"projects": [Project.of_piece(piece).as_dict() for piece in pieces]}


def about(limits: Limits) -> dict[str, Any]:
    """The names, ranges and limits of everything that a request can ask for."""
    from importlib.util import find_spec

    from musicae.api.generate import MOST_BARS
    from musicae.api.latent import FARTHEST_SLIDE
    from musicae.core.constants import STYLES
    from musicae.core.ensembles import ENSEMBLES
    from musicae.core.key import MODES
    from musicae.decoding.constraints import PRESETS
    from musicae.encoding.partial_score import RHYTHMS
    from musicae.models.checkpoint import load_model
    from musicae.theory.cadences import CADENCES

    def there(*libraries: str) -> bool:
        return all(find_spec(library) for library in libraries)

    return {
        "version": __version__,
        "styles": list(STYLES),
        "rhythms": list(RHYTHMS),
        "rules": list(PRESETS),
        "cadences": list(CADENCES),
        "modes": list(MODES),
        "ensembles": [
            {
                "name": name,
                "voices": [
                    voice
                    and {
                        "name": voice.name,
                        "range": list(voice.range),
                        "program": voice.program,
                    }
                    for voice in found.voices
                ],
            }
            for name, found in ENSEMBLES.items()
        ],
        "extras": {
            "score": there("verovio", "typst"),
            "sound": there("midirenderer", "soundfile"),
        },
        "limits": {
            "bytes": limits.bytes,
            "bars": limits.bars,
            "seconds": limits.seconds,
            "alternatives": requests.MOST_ALTERNATIVES,
            "pieces": requests.MOST_PIECES,
        },
        "sliders": [
            {"name": name, "low": -FARTHEST_SLIDE, "high": FARTHEST_SLIDE, "usual": 0}
            for name in load_model("vae").config.sliders
        ],
        "compose": {"bars": [1, MOST_BARS], "forms": ["AABA", "ABAB", "AABB", "ABAC"]},
    }
