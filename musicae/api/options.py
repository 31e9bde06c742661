"""HarmonizeOptions: every setting of ``musicae.harmonize``, declared and validated once.

The commands ``harmonize`` and ``watch``, many files at once and ``musicae.harmonize`` itself all
build this value; ``cli/options.py`` adds how each setting is written on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.core.constants import STYLES, VOICES
from musicae.core.ensembles import Ensemble, ensemble
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.core.meter import Meter

if TYPE_CHECKING:
    from musicae.api.request import Request

HIGHEST_TEMPERATURE = 10.0


@dataclass(frozen=True)
class HarmonizeOptions:
    """The settings of ``musicae.harmonize``.

    Raises ChoraleError when it is made with a value that makes no sense, or with values that
    contradict each other.

    >>> HarmonizeOptions(n=2, key="D minor").parsed_key
    Key(fifths=-1, mode='minor')
    """

    n: int = 1
    """How many alternatives, 1 or more; best first, each with other chords than those before it."""
    seed: int = 0
    """Of the random numbers, 0 or more; the same seed, model and settings give the same pieces."""
    temperature: float | None = None
    """0 takes the likeliest symbol, 1 draws from the model's own distribution; up to 10. None is
    the best for the model."""
    top_p: float = 1.0
    """The share of probability to draw from, above 0 and up to 1, the likeliest symbols first."""
    rules: str = "bach"
    """Of voice leading: ``"strict"`` breaks none that it can keep, ``"bach"`` breaks them as rarely
    as Bach, ``"off"`` ignores them."""
    model: str = "harmonizer"
    """A shipped model, or the path of a weights file."""
    track: str | None = None
    """Of a file with several tracks or parts: the number (from 1) or name of the melody's."""
    key: Key | str | None = None
    """The key to harmonize in, such as ``"D minor"`` or ``"D dorian"``; it becomes the piece's if
    none is stated. None finds the key from the notes, with the key signature as evidence."""
    voice: str | None = None
    """Which voice the one given part is, such as ``"bass"``."""
    lock: Sequence[str] | str | None = None
    """The voices that are given, such as ``("soprano", "bass")`` or ``"soprano,bass"``; ``()`` or
    ``"none"`` only with ``bars``."""
    bars: tuple[int, int] | str | None = None
    """Write only these bars anew: ``(5, 8)``, ``"5-8"`` or ``"5"``. Locked voices, by default the
    soprano, and everything outside the bars stay."""
    meter: str | None = None
    """Of a MIDI file that states none, such as ``"3/4"``; None takes it to be in 4/4."""
    phrases: Path | str = "infer"
    """Where phrases end: ``"infer"``, ``"none"`` or a file; see ``phrase_ends.choose``."""
    chords: Path | str | None = None
    """The chords that sound: in bars (``"G | C D7 | G"``), the path of a text or ChordPro file,
    ``"file"`` for those of the melody's own file, or ``"none"``. None follows the chord symbols of
    a melody in MusicXML. See ``docs/guides/chords.md``."""
    figures: str | None = None
    """Of a given bass, in bars: ``"6 | 7 6 | 4-3"``; or ``"file"`` for those in the file, which are
    used without being asked for, ``"none"``, or ``"write"`` for figures in what is written."""
    ensemble: str | None = None
    """Who sings or plays: ``"satb"``, ``"ttbb"``, ``"ssaa"``, ``"sab"``, ``"strings"``,
    ``"brass"``, ``"recorders"``, ``"saxophones"`` or ``"piano"``, whose voices ``voice`` and
    ``lock`` name; None writes for the voices of Bach's chorales. See
    ``docs/guides/ensembles.md``."""
    ranges: str | None = None
    """Other ranges of its voices, such as ``"S C4-A5, A G3-D5"``."""
    rhythm: str | None = None
    """How the other voices move: ``"plain"`` or ``"flowing"``; None leaves it to the model."""
    style: str = "bach"
    """Whose harmony: ``"bach"``, ``"chorale"``, ``"hymn"``, ``"carol"``, ``"psalm"``, ``"song"`` or
    ``"motet"``; it moves the chords, how often they change, and the ornaments."""
    words: Path | str = "all"
    """Whose words: ``"all"`` sets the melody's under all voices, ``"soprano"`` leaves the other
    voices bare, ``"none"`` takes them out; or a text file of words. See ``api.words.choose``."""
    language: str | None = None
    """Of a text file of words: the language, such as ``"en"``, by which words without hyphens are
    split."""

    def __post_init__(self) -> None:
        from musicae.api.words import CHOICES
        from musicae.decoding.constraints import PRESETS
        from musicae.encoding.partial_score import RHYTHMS

        if self.rules not in PRESETS:
            raise ChoraleError(f"rules are {', '.join(PRESETS)}, not {self.rules!r}")
        if not 0 < self.top_p <= 1:
            raise ChoraleError(f"top-p is a share above 0 and up to 1, not {self.top_p:g}")
        if self.rhythm is not None and self.rhythm not in RHYTHMS:
            raise ChoraleError(f"a rhythm is {' or '.join(RHYTHMS)}, not {self.rhythm!r}")
        if self.style not in STYLES:
            raise ChoraleError(f"a style is {', '.join(STYLES)}, not {self.style!r}")
        if self.language and str(self.words) in CHOICES:
            raise ChoraleError("a language splits the words of a text file; name it with --words")
        check_draws(self.n, self.temperature, self.seed)
        for name in ("parsed_key", "parsed_meter", "parsed_ensemble", "request"):
            getattr(self, name)  # raises where the text cannot be parsed

    def changed(self, **settings: Any) -> HarmonizeOptions:
        """A copy with other settings.

        Raises MusicaeError for a setting that does not exist, ChoraleError as the constructor does.
        """
        known = [field.name for field in fields(self)]
        for name in settings:
            if name not in known:
                raise MusicaeError(
                    f"harmonize has no setting {name!r}; there are {', '.join(known)}"
                )
        return replace(self, **settings)

    @cached_property
    def parsed_key(self) -> Key | None:
        """``key`` as a value."""
        return Key.parse(self.key) if isinstance(self.key, str) else self.key

    @cached_property
    def parsed_meter(self) -> Meter | None:
        """``meter`` as a value."""
        return Meter.parse(self.meter) if self.meter else None

    @cached_property
    def request(self) -> Request:
        """``voice``, ``lock`` and ``bars`` as one value."""
        from musicae.api.request import Request

        return Request.parse(self.voice_name, self.lock_names, self.bars)

    @cached_property
    def parsed_ensemble(self) -> Ensemble | None:
        """``ensemble`` with its ``ranges``; a choir of S A T B where only ranges are named."""
        if self.ensemble is None and self.ranges is None:
            return None
        found = ensemble(self.ensemble or "satb")
        return found.with_ranges(self.ranges) if self.ranges is not None else found

    @cached_property
    def voice_name(self) -> str | None:
        """``voice`` as a name of Bach's voices, whatever the ensemble calls it."""
        return None if self.voice is None else self._as_bachs(self.voice)

    @cached_property
    def lock_names(self) -> Sequence[str] | str | None:
        """``lock`` in the names of Bach's voices."""
        if self.lock is None or self.parsed_ensemble is None or self.lock == "none":
            return self.lock
        names = self.lock.split(",") if isinstance(self.lock, str) else self.lock
        return tuple(map(self._as_bachs, names))

    def _as_bachs(self, name: str) -> str:
        if self.parsed_ensemble is None:
            return name
        return VOICES[self.parsed_ensemble.place(name)].lower()


def check_draws(n: int, temperature: float | None, seed: int = 0) -> None:
    """Raises ChoraleError unless n >= 1, 0 <= temperature <= 10 and seed >= 0."""
    if n < 1:
        raise ChoraleError(f"at least one piece can be asked for, not {n}")
    if temperature is not None and not 0 <= temperature <= HIGHEST_TEMPERATURE:
        raise ChoraleError(f"a temperature is 0 to {HIGHEST_TEMPERATURE:g}, not {temperature:g}")
    if seed < 0:
        raise ChoraleError(f"a seed is 0 or more, not {seed}")
