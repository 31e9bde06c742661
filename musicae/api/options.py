"""HarmonizeOptions: every setting of ``musicae.harmonize``, declared and validated once.

``musicae.harmonize``, ``api.batch`` and the commands ``harmonize`` and ``watch`` all build this
value. ``cli/options.py`` adds the command-line option of each setting.
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
    """The settings of ``musicae.harmonize``; every field is also a keyword of it.

    Raises:
        ChoraleError: if a value is out of range or unknown, or values contradict each other.

    Example:
        ```pycon
        >>> HarmonizeOptions(n=2, key="D minor").parsed_key
        Key(fifths=-1, mode='minor')

        ```
    """

    n: int = 1
    """The number of alternatives, 1 or more. They come best first, each with other chords than
    those before it."""
    seed: int = 0
    """The random seed, 0 or more. The same seed, model and settings give the same pieces."""
    temperature: float | None = None
    """How random the notes are, 0 to 10. 0 takes the likeliest symbol; 1 draws from the model's own
    distribution. None takes the best value for the model."""
    top_p: float = 1.0
    """Symbols are drawn only from the most probable ones that together have this probability, above
    0 and up to 1."""
    rules: str = "bach"
    """The rules of voice leading: ``"strict"`` breaks a rule only if there is no other choice,
    ``"bach"`` breaks it as rarely as Bach does, ``"off"`` ignores the rules."""
    model: str = "harmonizer"
    """A shipped model (``"harmonizer"`` or ``"minibach"``), or the path of a weights file."""
    track: str | None = None
    """The track or part that has the melody: its number, from 1, or its name. None takes the tracks
    named after voices, or else the likeliest melody."""
    key: Key | str | None = None
    """The key to harmonize in, such as ``"D minor"`` or ``"D dorian"``. If the file states no key,
    the piece gets this one. None finds the key from the notes and the key signature."""
    voice: str | None = None
    """The voice of the one given part, such as ``"bass"``. None is the soprano."""
    lock: Sequence[str] | str | None = None
    """The given voices, such as ``("soprano", "bass")`` or ``"soprano,bass"``. ``()`` or
    ``"none"`` go only with ``bars``. None takes the tracks named after voices."""
    bars: tuple[int, int] | str | None = None
    """The bars to rewrite: ``(5, 8)``, ``"5-8"`` or ``"5"``. Everything outside these bars stays,
    and so do the locked voices, by default the soprano. None writes all bars."""
    meter: str | None = None
    """The meter of a MIDI file that states none, such as ``"3/4"``. None takes 4/4."""
    phrases: Path | str = "infer"
    """Where phrases end: ``"infer"`` (from the marks in the file, else from the notes), ``"none"``,
    or the path of a file that marks the ends; see ``phrase_ends.choose``."""
    chords: Path | str | None = None
    """The chords to follow: in bars (``"G | C D7 | G"``), the path of a text or ChordPro file,
    ``"file"`` (those in the melody's file) or ``"none"``. None follows the chord symbols of a
    MusicXML melody, if it has any. See ``docs/guides/chords.md``."""
    figures: str | None = None
    """The figures over a given bass: in bars (``"6 | 7 6 | 4-3"``), ``"file"`` (those in the file),
    ``"none"``, or ``"write"`` (add figures to the result). None uses the figures of a MusicXML
    file, if it has any. See ``docs/guides/figured_bass.md``."""
    ensemble: str | None = None
    """Who sings or plays: ``"satb"``, ``"ttbb"``, ``"ssaa"``, ``"sab"``, ``"strings"``,
    ``"brass"``, ``"recorders"``, ``"saxophones"`` or ``"piano"``; ``voice`` and ``lock`` name its
    voices. None writes for the voices of Bach's chorales. See ``docs/guides/ensembles.md``."""
    ranges: str | None = None
    """Lowest and highest notes of voices, such as ``"S C4-A5, A G3-D5"``. None takes the ranges of
    the ensemble."""
    rhythm: str | None = None
    """How the other voices move: ``"plain"`` (mostly with the melody) or ``"flowing"`` (many
    eighths). None leaves it to the model."""
    style: str = "bach"
    """The style of the harmony: ``"bach"``, ``"chorale"``, ``"hymn"``, ``"carol"``, ``"psalm"``,
    ``"song"`` or ``"motet"``. It changes the chords, the harmonic rhythm and the ornaments."""
    words: Path | str = "all"
    """The words: ``"all"`` sets those of the melody under all voices, ``"soprano"`` only under
    given voices, ``"none"`` removes them. The path of a text file replaces them; see
    ``api.words.choose``."""
    language: str | None = None
    """The language, such as ``"en"``, that splits words without hyphens in a text file of words.
    None does not split them."""

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
            getattr(self, name)  # raises ChoraleError if the text cannot be parsed

    def changed(self, **settings: Any) -> HarmonizeOptions:
        """A copy with some settings replaced.

        Args:
            **settings: fields of this class with their new values.

        Returns:
            The copy; this value stays as it is.

        Raises:
            MusicaeError: for a setting that does not exist.
            ChoraleError: for a value that the constructor refuses.
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
        """``key`` as a ``Key``; None if there is none."""
        return Key.parse(self.key) if isinstance(self.key, str) else self.key

    @cached_property
    def parsed_meter(self) -> Meter | None:
        """``meter`` as a ``Meter``; None if there is none."""
        return Meter.parse(self.meter) if self.meter else None

    @cached_property
    def request(self) -> Request:
        """``voice``, ``lock`` and ``bars`` as one ``Request``."""
        from musicae.api.request import Request

        return Request.parse(self.voice_name, self.lock_names, self.bars)

    @cached_property
    def parsed_ensemble(self) -> Ensemble | None:
        """``ensemble`` with its ``ranges``; an SATB choir if only ``ranges`` is set; else None."""
        if self.ensemble is None and self.ranges is None:
            return None
        found = ensemble(self.ensemble or "satb")
        return found.with_ranges(self.ranges) if self.ranges is not None else found

    @cached_property
    def voice_name(self) -> str | None:
        """``voice`` as soprano, alto, tenor or bass, whatever the ensemble calls it."""
        return None if self.voice is None else self._as_bachs(self.voice)

    @cached_property
    def lock_names(self) -> Sequence[str] | str | None:
        """``lock`` as soprano, alto, tenor and bass, whatever the ensemble calls them."""
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
