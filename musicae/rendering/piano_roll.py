"""Draw a chorale as a piano roll: as SVG, as PDF and PNG with Typst (extra ``studio``).

The horizontal axis is time, the vertical axis pitch, and each voice has a colour. Long pieces are
divided into systems. Several pieces are drawn one above another in each system.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import MARK_COLOUR, REST, VOICE_COLOURS, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.rendering.canvas import (
    FRONT,
    GRID,
    GROUND,
    MARKS,
    POINTS_PER_INCH,
    Area,
    Colour,
    Page,
    Text,
    grey,
    readable_on,
    rows_of,
    tint,
    width_of,
)
from musicae.rendering.roll_layout import STEP_WIDTH, Frame, NoteBlock, blocks, system_spans
from musicae.rendering.typeset import typeset
from musicae.theory.voice_leading.rules import Violation

GREY = "#595959"
"""The colour in the legend that stands for any voice."""
TINT = 0.28
"""The share of a voice's colour in generated notes if other notes are given; the rest is white."""
PICTURE_SUFFIXES = (".png", ".svg", ".pdf")

RULE_MARKS = {
    "parallel fifths": "∥5",
    "parallel octaves": "∥8",
    "parallel unisons": "∥1",
    "contrary fifths": "contr. 5",
    "contrary octaves": "contr. 8",
    "direct fifths": "dir. 5",
    "direct octaves": "dir. 8",
    "voice crossing": "cross",
    "voice overlap": "overlap",
    "spacing": "gap",
    "out of range": "range",
    "augmented interval": "aug.",
    "leap of a seventh": "leap 7",
    "leap beyond an octave": "leap >8",
    "doubled leading tone": "dbl. LT",
    "unresolved leading tone": "LT",
    "unresolved seventh": "7th",
}
"""The label above notes that break a rule, by the rule's name. The first letters of the voices
follow it."""

NARROWEST_SYSTEM = 48
"""The least width of a page, in steps, so that title and legend have room."""

# Lengths are in inches, but font sizes and line widths (RING) are in points.
LEFT, RIGHT, _MARGIN = 0.48, 0.2, 0.12
LINE, HEADROOM, FERMATA_ROOM, SPACE = 0.15, 0.2, 0.09, 0.22
RING = 1.4
TITLE_SIZE, NAME_SIZE, TEXT_SIZE, SMALL_SIZE = 14, 10, 8.8, 7.2
NOTE_SIZES = (7.2, 5.2)
"""Font sizes of the names of notes. The first one with which the name has room is used."""

BLACK_KEYS = (1, 3, 6, 8, 10)
NAMED_KEYS = {0: "C", 4: "E", 7: "G"}

PIXELS_PER_INCH, FEWEST_PIXELS_PER_INCH = 150, 80
MOST_PIXELS = 65_000
"""The greatest height and width of a PNG."""


@dataclass(frozen=True, eq=False)
class Roll:
    """A chorale and what its piano roll shows besides the notes.

    Args:
        chorale: the music.
        given: ``(T, V)`` whether a note that begins at this step was given (True) or generated
            (False); None draws all notes alike.
        labels: steps and their texts, such as Roman numerals, in order; they stand below the bass.
        violations: violations of rules of voice leading, which are marked at their notes.

    Raises MusicaeError if these do not fit the chorale.
    """

    chorale: Chorale
    given: NDArray[np.bool_] | None = None
    labels: tuple[tuple[int, str], ...] = ()
    violations: tuple[Violation, ...] = ()

    def __post_init__(self) -> None:
        shape = self.chorale.pitch.shape
        if self.given is not None and self.given.shape != shape:
            raise MusicaeError(f"given has the shape {self.given.shape}, the music {shape}")
        steps = [step for step, _ in self.labels] + [v.step for v in self.violations]
        if any(not 0 <= step < len(self.chorale) for step in steps):
            raise MusicaeError(f"there are labels or violations outside {self.chorale!r}")


Music = Chorale | Roll | Mapping[str, Chorale | Roll]
"""Music that can be drawn: a chorale, or several by their names."""


@dataclass(frozen=True)
class Staff:
    """A roll that is prepared for drawing: its notes are listed voice by voice."""

    name: str
    roll: Roll
    blocks: tuple[NoteBlock, ...]


def piano_roll(music: Music, bars: int | None = None) -> Page:
    """The picture of a chorale, or of several by name.

    Bars are numbered from 1, a pickup is bar 0. Several chorales are drawn one above another in
    each system, with the same scale of time and pitch. Only the first ``bars`` bars are drawn; None
    draws all. Raises MusicaeError if there is nothing to draw.
    """
    staves = _staves(music)
    spans = system_spans(max((staff.roll.chorale for staff in staves), key=len), bars)
    widest = max(NARROWEST_SYSTEM, *(stop - start for start, stop in spans))
    page = Page(LEFT + widest * STEP_WIDTH + RIGHT, _MARGIN)
    _draw_head(page, staves)
    for start, stop in spans:
        going = [staff for staff in staves if start < len(staff.roll.chorale)]
        low, high = _range([staff.roll.chorale.pitch[start:stop] for staff in going])
        rules: list[str] = []
        for staff in going:
            if len(staves) > 1:
                _draw_name(page, staff.name)
            end = min(stop, len(staff.roll.chorale))
            rules += _draw_system(page, staff, Frame(start, end, high, low, LEFT, page.height))
        _draw_key(page, rules)
        page.height += SPACE
    return page


def draw(music: Music, path: Path | str, bars: int | None = None) -> None:
    """Draw a piano roll to a .png, .svg or .pdf file; see ``piano_roll``.

    If an error occurs, an old file stays. Raises MusicaeError.
    """
    save(piano_roll(music, bars), path)


def save(page: Page, path: Path | str) -> None:
    """Save a page in the format of the suffix. The same page gives the same bytes.

    Raises MusicaeError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise MusicaeError(f"{path}: its name should end in one of {', '.join(PICTURE_SUFFIXES)}")
    ppi = min(PIXELS_PER_INCH, MOST_PIXELS / max(page.width, page.height))
    if suffix == ".png" and ppi < FEWEST_PIXELS_PER_INCH:
        raise MusicaeError(f"{path}: the music is too long for a .png; write it as .svg")
    svg = page.svg()
    if suffix == ".svg":
        content = f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}'.encode()
    else:
        size = f"{page.width:.6g}in", f"{page.height:.6g}in"
        content = typeset([svg], size, "pdf" if suffix == ".pdf" else "png", ppi=ppi)
    with whole_file(path) as partial:
        partial.write_bytes(content)


def _staves(music: Music) -> list[Staff]:
    named = music if isinstance(music, Mapping) else {"": music}
    if not named:
        raise MusicaeError("there is nothing to draw")
    rolls = {n: Roll(each) if isinstance(each, Chorale) else each for n, each in named.items()}
    return [
        Staff(name, roll, tuple(blocks(roll.chorale, roll.given, roll.violations)))
        for name, roll in rolls.items()
    ]


def _range(pitches: Sequence[NDArray[np.int16]]) -> tuple[float, float]:
    """The pitches at the lower and the upper edge of a frame that shows all notes."""
    sounding = np.concatenate([pitch[pitch != REST] for pitch in pitches])
    low, high = (sounding.min(), sounding.max()) if sounding.size else (48, 72)
    return float(low) - 1.5, float(high) + 1.5


def _draw_head(page: Page, staves: Sequence[Staff]) -> None:
    """Draw the title, if all chorales have the same, and below it the legend."""
    titles = {staff.roll.chorale.title for staff in staves}
    title = titles.pop() if len(titles) == 1 else ""
    if len(staves) == 1:
        title = title or staves[0].name
    letters = int((page.width - LEFT) / width_of("x", TITLE_SIZE))
    for line in textwrap.wrap(title, letters):
        page.height += 0.22
        page.texts.append(Text(LEFT, page.height, line, TITLE_SIZE))
    page.height += 0.24
    x = LEFT
    for name, colour in zip(VOICES, VOICE_COLOURS, strict=True):
        x = _draw_sample(page, x, name, colour)
    x += 0.2
    if any(staff.roll.given is not None for staff in staves):
        x = _draw_sample(page, x, "given", GREY)
        x = _draw_sample(page, x, "generated", tint(GREY, TINT), GREY)
    if any(staff.roll.violations for staff in staves):
        _draw_sample(page, x, "breaks a rule", "none", MARK_COLOUR)
    page.height += 0.08


def _draw_sample(page: Page, x: float, name: str, face: Colour, edge: Colour = "none") -> float:
    """Draw one entry of the legend at ``x``; returns the place of the next one."""
    ring = RING if face == "none" else 0.8
    page.box(FRONT, Area(x, page.height - 0.09, x + 0.24, page.height), face, edge, ring)
    page.texts.append(Text(x + 0.3, page.height, name, TEXT_SIZE))
    return x + 0.3 + width_of(name, TEXT_SIZE) + 0.16


def _draw_name(page: Page, name: str) -> None:
    """Write the name of a chorale, shortened to the width of the page."""
    page.height += 0.24
    letters = int((page.width - LEFT) / width_of("x", NAME_SIZE))
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…"
    page.texts.append(Text(LEFT, page.height, shown, NAME_SIZE, bold=True))


def _draw_system(page: Page, staff: Staff, frame: Frame) -> list[str]:
    """Draw one roll of one system below the last one; returns the rules that it breaks."""
    violations = [v for v in staff.roll.violations if frame.start <= v.step < frame.stop]
    tags = [_tag(violation) for violation in violations]
    places, rows = _in_rows(page, frame, [v.step for v in violations], tags, SMALL_SIZE)
    fermatas = [step for step in staff.roll.chorale.fermatas if frame.start <= step < frame.stop]
    headroom = HEADROOM + (FERMATA_ROOM if fermatas else 0)
    page.height += headroom + LINE * (max(rows, default=-1) + 1)
    frame = frame._replace(top=page.height)
    _draw_ground(page, frame)
    _draw_bars(page, staff.roll.chorale, frame, frame.top - headroom + HEADROOM - 0.05)
    for block in staff.blocks:
        if frame.holds(block.note):
            _draw_note(page, block, frame.area_of(block))
        if block.voice == 0 and block.note.step in fermatas:
            stop = min(block.note.step + block.note.duration, frame.stop)
            page.fermatas.append((frame.x((block.note.step + stop) / 2), frame.top - 0.03))
    for violation, tag, place, row in zip(violations, tags, places, rows, strict=True):
        x, y = frame.x(violation.step), frame.top - headroom - row * LINE
        concerned = staff.roll.chorale.pitch[violation.step, list(violation.voices)]
        foot = frame.y(int(concerned.min())) if (concerned != REST).all() else frame.top
        page.line(MARKS, (x, y), (x, foot), MARK_COLOUR, 0.5)
        page.texts.append(Text(place, y, tag, SMALL_SIZE, MARK_COLOUR, backed=True))
    page.height = frame.area.bottom
    _draw_labels(page, frame, staff.roll.labels)
    return [violation.rule for violation in violations]


def _tag(violation: Violation) -> str:
    """The label above a violation: its rule's mark and the first letters of its voices."""
    voices = "".join(VOICES[voice][0] for voice in violation.voices)
    return f"{RULE_MARKS[violation.rule]} {voices}"


def _draw_ground(page: Page, frame: Frame) -> None:
    """Draw the rows of the black keys, and the names of some white ones."""
    left, top, right, bottom = frame.area
    for pitch in range(int(np.ceil(frame.low)), int(frame.high) + 1):
        key = pitch % 12
        if key in BLACK_KEYS:
            page.box(
                GROUND, Area(left, frame.y(pitch + 0.5), right, frame.y(pitch - 0.5)), grey(0.95)
            )
        if key in NAMED_KEYS:
            name = NAMED_KEYS[key] + (str(pitch // 12 - 1) if key == 0 else "")
            text = Text(left - 0.12, frame.y(pitch), name, SMALL_SIZE, grey(0.3), key == 0, "end")
            page.texts.append(text._replace(centred=True))
    for y in (top, bottom):
        page.line(GRID, (left, y), (right, y), grey(0.6), 0.6)


def _draw_bars(page: Page, chorale: Chorale, frame: Frame, y: float) -> None:
    """Draw bar lines and beats, and the bars' numbers and meters on a baseline ``y``."""
    taken = 0.0  # the end of the last text
    written = ""
    for number, measure in enumerate(chorale.measures, start=0 if chorale.pickup else 1):
        meter = f"{measure.numerator}/{measure.denominator}"
        stop = measure.start + measure.length
        if stop <= frame.start:
            written = meter
            continue
        if measure.start >= frame.stop:
            break
        begins = measure.start >= frame.start
        x = frame.x(max(measure.start, frame.start))
        page.line(GRID, (x, frame.top - 0.05 * begins), (x, frame.area.bottom), grey(0.35), 0.9)
        shown = str(number) if begins else f"({number})"
        if taken <= x:
            page.texts.append(Text(x + 0.03, y, shown, TEXT_SIZE, grey(0.3)))
            taken = x + width_of(shown, TEXT_SIZE) + 0.1
            end = taken + width_of(meter, TEXT_SIZE) + 0.1
            # If a pickup is too short for its meter, this is written in the next bar.
            if meter != written and end <= frame.x(stop):
                page.texts.append(Text(taken, y, meter, TEXT_SIZE, bold=True))
                written, taken = meter, end
        beat = measure.meter.steps_per_beat
        # Count from the bar's end, for a pickup is the end of a bar.
        for place in np.arange(stop - beat, measure.start, -beat):
            if frame.start < place < frame.stop:
                x = frame.x(float(place))
                page.line(GRID, (x, frame.top), (x, frame.area.bottom), grey(0.8), 0.5)
    _, top, right, bottom = frame.area
    width = 2.5 if frame.stop == len(chorale) else 0.9
    page.line(GRID, (right, top), (right, bottom), grey(0.35), width)


def _draw_note(page: Page, block: NoteBlock, area: Area) -> None:
    """Draw a note with its name, if it has room."""
    colour = VOICE_COLOURS[block.voice]
    face = colour if block.given else tint(colour, TINT)
    page.box(FRONT, area, face, colour, 0.8)
    if block.marked:
        # In a unison there is no room for a wider ring.
        ring = area.wider(0.022 if block.lanes == 1 else 0)
        page.box(MARKS, ring, "none", MARK_COLOUR, RING)
    for size in NOTE_SIZES:
        free = area.right - area.left - width_of(block.name, size)
        if free >= 0.03 and 0.9 * size / POINTS_PER_INCH <= area.bottom - area.top:
            x, y = area.left + min(0.035, free / 2), (area.top + area.bottom) / 2
            ink = readable_on(face)
            page.texts.append(Text(x, y, block.name, size, ink, centred=True))
            break


def _draw_labels(page: Page, frame: Frame, labels: Iterable[tuple[int, str]]) -> None:
    """Draw the texts below the bass, in several rows if they have no room beside each other."""
    inside = [(step, text) for step, text in labels if frame.start <= step < frame.stop]
    # Two figures stand one above the other, so they need the width of one.
    shown = [re.sub(r"\d(\d)", r"\1", text) for _, text in inside]
    places, rows = _in_rows(page, frame, [step for step, _ in inside], shown, TEXT_SIZE)
    for (step, text), place, row in zip(inside, places, rows, strict=True):
        y = page.height + (row + 1) * LINE
        if row:
            x = frame.x(step)
            page.line(GRID, (x, page.height), (x, y), grey(0.7), 0.5)
        page.texts.append(Text(place, y, text, TEXT_SIZE, backed=True, is_numeral=True))
    page.height += LINE * (max(rows, default=-1) + 1)


def _in_rows(
    page: Page, frame: Frame, steps: Sequence[int], texts: Sequence[str], size: float
) -> tuple[list[float], list[int]]:
    """The places at which texts begin, within the page, and the rows in which they have room."""
    widths = [width_of(text, size) + 0.06 for text in texts]
    places = [min(frame.x(step) + 0.025, page.width - width)
              for step, width in zip(steps, widths, strict=True)]  # fmt: skip
    return places, rows_of([(x, x + width) for x, width in zip(places, widths, strict=True)])


def _draw_key(page: Page, rules: Sequence[str]) -> None:
    """Write an explanation of the marks of ``rules`` below a system."""
    x, y = LEFT, page.height + 1.5 * LINE
    for rule, mark in RULE_MARKS.items():
        if rule not in rules:
            continue
        width = width_of(f"{mark} {rule}", SMALL_SIZE) + 0.2
        if x + width > page.width:
            x, y = LEFT, y + LINE
        page.texts.append(Text(x, y, mark, SMALL_SIZE, MARK_COLOUR))
        after = x + width_of(mark, SMALL_SIZE) + 0.07
        page.texts.append(Text(after, y, rule, SMALL_SIZE, grey(0.3)))
        x += width
    if rules:
        page.height = y
