"""Damage MIDI files and scores at random, harmonize them, and report faults.

    python benchmarks/fuzz.py MINUTES [--only .mid] [--seed 0] [--keep FOLDER]

There are two correct outcomes: a harmonization that can be written and read again, or a
``MusicaeError`` with a message of one line that names the file. Everything else is a fault: a
traceback, more than ``SECONDS`` of processor time, or more than ``MEBIBYTES`` of memory. After a
fault the damaged file is kept, and the exit status is 1. Each damaged file is used in a process of
its own.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import limited

import musicae
from musicae.api.harmonize import load_for
from musicae.api.options import HarmonizeOptions
from musicae.api.render import arrangement_of
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.io.base import MIDI_SUFFIXES, MUSICXML_SUFFIXES, suffix_of
from musicae.io.midi_file import to_bytes

MODEL = "minibach"
SECONDS, MEBIBYTES = 10, 1536
"""The limits of processor time and memory for each file."""
DATA = Path(__file__).parent.parent / "data"
USED, REFUSED = "used", "refused"
META_TYPES = (0x00, 0x01, 0x03, 0x05, 0x06, 0x08, 0x20, 0x21, 0x51, 0x54, 0x58, 0x59, 0x7F)
TEXTS = (
    "0",
    "-1",
    "1",
    "7",
    "0.5",
    "4000",
    "90000",
    "999999999999",
    "1e9",
    "nan",
    "x",
    "",
    "3+2",
    "127",
)
"""Replacements of numbers and names in a score."""
SIGNS = '[]{}()|:<>-/^_=zZABg"&+!*;.~'
"""Replacements of characters in ABC and kern."""
NUMBERS = (0, 1, 2, 3, 63, 64, 127, 128, 255)
"""Replacements of bytes in a MIDI file."""

SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"voice": "soprano"},
    {"voice": "bass"},
    {"track": "1"},
    {"bars": "1"},
)

Damage = Callable[[bytes, Sequence[bytes], random.Random], bytes]
"""Returns a damaged copy of a file; the arguments are its content, other files, and random numbers.
"""


def damaged_midi(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A MIDI file with bytes, events, lengths or chunks changed, removed or added."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        place = rng.randrange(len(data)) if data else 0
        way = rng.random()
        if way < 0.4 and data:
            data[place] = rng.choice((rng.randrange(256), *NUMBERS))
        elif way < 0.5:
            del data[place : place + rng.randrange(1, 20)]
        elif way < 0.6:
            data[place:place] = rng.randbytes(rng.randrange(1, 8))
        elif way < 0.75:  # a meta event before a note event, if one is found
            event = rng.randbytes(rng.randrange(0, 6))
            found = data.find(b"\x00\x90", place)
            place = place if found < 0 else found
            data[place:place] = bytes((0, 0xFF, rng.choice(META_TYPES), len(event))) + event
        elif way < 0.85:  # a chunk of another file
            other = rng.choice(others)
            found = other.find(b"MTrk")
            data += other[found:] if rng.random() < 0.5 else other[found : found + 40]
        elif way < 0.95 and len(data) >= 14:  # the header's fields and the chunks' lengths
            field = rng.choice((8, 10, 12, max(0, data.find(b"MTrk", place)) + 4))
            data[field : field + 2] = rng.choice(
                (b"\x00\x00", b"\xff\xff", b"\xe7\x28", rng.randbytes(2))
            )
        else:
            data = bytearray(b"RIFF" + rng.randbytes(4) + b"RMIDdata" + rng.randbytes(4) + data)
    return bytes(data)


def damaged_musicxml(content: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """A score with parts of its text changed, as text in some encoding or in an archive."""
    text = damaged_text(content.decode("utf-8", errors="replace"), rng)
    way = rng.random()
    if way < 0.6:
        return text.encode("utf-8", "surrogatepass")
    if way < 0.8:
        return archive_of(text, rng)
    if way < 0.9:
        return text.encode(rng.choice(["utf-16", "utf-32", "latin-1"]), "replace")
    return damaged_bytes(text.encode("utf-8", "surrogatepass"), rng)


def damaged_mei(content: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """MEI with numbers, tags, attributes, characters or bytes changed."""
    if rng.random() < 0.1:
        return damaged_bytes(content, rng)
    return damaged_text(content.decode(), rng).encode("utf-8", "surrogatepass")


def damaged_lines(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """ABC or kern with characters, columns or lines changed, removed, moved or repeated."""
    if rng.random() < 0.1:
        return damaged_bytes(content, rng)
    lines = content.decode().split("\n")
    for _ in range(rng.choice([1, 2, 5])):
        place, way = rng.randrange(len(lines)), rng.randrange(5)
        line = lines[place]
        if way == 0 and line:
            at = rng.randrange(len(line))
            signs = rng.choice(["", rng.choice(SIGNS), *TEXTS])
            lines[place] = line[:at] + signs + line[at + rng.randrange(3) :]
        elif way == 1:
            columns = line.split("\t")
            columns[rng.randrange(len(columns))] = rng.choice(
                ["", ".", "*^", "*v", "*-", "=", "4c"]
            )
            lines[place] = "\t".join(columns)
        elif way == 2:
            lines[place : place + rng.randrange(3)] = []
        elif way == 3:
            lines[place:place] = [line] * rng.choice([1, 3])
        else:
            lines[place] = rng.choice(rng.choice(others).decode().split("\n"))
        lines = lines or [""]
    return "\n".join(lines).encode()


def damaged_text(text: str, rng: random.Random) -> str:
    """The text with numbers, tags, attributes or characters changed, removed, moved or repeated."""
    for _ in range(rng.choice([1, 2, 5])):
        way = rng.randrange(5) if rng.random() < 0.9 else 5
        if way == 0:
            places = [m.span(1) for m in re.finditer(r">([^<>\s]+)<", text)]
            start, end = rng.choice(places or [(0, 0)])
            text = text[:start] + rng.choice(TEXTS) + text[end:]
        elif way == 1:
            names = re.findall(r"</([\w-]+)>", text) or ["note"]
            text = text.replace(rng.choice(names), rng.choice(names))
        elif way == 2:
            found = [m.span() for m in re.finditer(r"<([\w-]+)[^<>]*>[^<>]*</\1>|<[^<>]*/>", text)]
            start, end = rng.choice(found or [(0, 0)])
            text = text[:start] + text[end:]
        elif way == 3:
            found = [m.span() for m in re.finditer(r"<(note|measure)\b.*?</\1>", text, re.DOTALL)]
            start, end = rng.choice(found or [(0, 0)])
            place = rng.choice(found or [(0, 0)])[0]
            text = text[:place] + text[start:end] * rng.choice([1, 3]) + text[place:]
        elif way == 4:
            values = [m.span(1) for m in re.finditer(r'="([^"]*)"', text)]
            start, end = rng.choice(values or [(0, 0)])
            text = text[:start] + rng.choice(["", "yes", "stop", "2", "P0", "right"]) + text[end:]
        else:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice("<>&;\x00é/") + text[place + rng.randrange(3) :]
    return text


def archive_of(text: str, rng: random.Random) -> bytes:
    """An .mxl archive with a text, with or without a container file, intact or damaged."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice([0, 8, 12, 14])) as archive:
        if rng.random() < 0.5:
            named = rng.choice(["score.xml", "gone.xml", ""])
            encoding = rng.choice(["UTF-8", "UTF-16", "nonsense"])
            archive.writestr(
                "META-INF/container.xml",
                f'<?xml version="1.0" encoding="{encoding}"?><rootfile full-path="{named}"/>',
            )
        archive.writestr("score.xml", text.encode("utf-8", "surrogatepass"))
    data = buffer.getvalue()
    return damaged_bytes(data, rng) if rng.random() < 0.6 else data


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, removed or added."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 2, 5, 20])):
        place = rng.randrange(len(data))
        way = rng.random()
        if way < 0.6:
            data[place] = rng.randrange(256)
        elif way < 0.8:
            del data[place : place + rng.randrange(1, 20)]
        else:
            data[place:place] = rng.randbytes(rng.randrange(1, 8))
    return bytes(data)


DAMAGES: dict[str, Damage] = {
    ".mid": damaged_midi,
    ".musicxml": damaged_musicxml,
    ".mei": damaged_mei,
    ".abc": damaged_lines,
    ".krn": damaged_lines,
}


def use(path: Path, model: str = MODEL, **settings: Any) -> str:
    """Prepare a file for playing, harmonize it, write the result with all tracks and read it.

    Returns ``USED`` or ``REFUSED``. Raises AssertionError if an error message is no single line
    that names the file, or if the melody is missing in the result; other faults raise their own
    errors.
    """
    refusal = None
    midi = suffix_of(path) in MIDI_SUFFIXES
    out = path.with_name("out.mid" if midi else "out.musicxml")
    try:
        to_bytes(arrangement_of(path))  # the MIDI data for playing and rendering
        (piece,) = musicae.harmonize(path, model=model, **settings)
        piece.write(out, keep_tracks=midi)
    except MusicaeError as error:
        refusal = error
    if refusal is not None:
        about_file = isinstance(refusal, ChoraleError)  # other errors are about the model
        named = path.name in str(refusal) or out.name in str(refusal)
        plain = "\n" not in str(refusal) and (named or not about_file)
        assert plain, (
            f"an error message that is no single line or does not name the file: {refusal}"
        )
        return REFUSED
    again = musicae.read(out)
    assert piece.given
    tune = piece.given.parts.tune
    sung = [v for v in range(4) if tune.notes(v)]
    assert any(again.notes(v) for v in sung), "the written file does not have the melody"
    return USED


def sources(suffix: str) -> list[bytes]:
    """The files of the repository that are used for damaging."""
    wanted = MIDI_SUFFIXES if suffix == ".mid" else MUSICXML_SUFFIXES
    found = [path for path in sorted(DATA.rglob("*")) if suffix_of(path) in wanted]
    return [path.read_bytes() for path in found if suffix_of(path) != ".mxl"]


def scores(suffix: str) -> list[bytes]:
    """The melodies of the repository as files with the given suffix."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"tune{suffix}"
        found = []
        for path in sorted((DATA / "melodies").glob("*.mid")):
            musicae.write(musicae.read(path), out)
            found.append(out.read_bytes())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("minutes", type=float)
    parser.add_argument("--only", choices=list(DAMAGES), help="damage only this kind of file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    asked = parser.parse_args()
    load_for(HarmonizeOptions(model=MODEL))
    suffixes = [asked.only] if asked.only else list(DAMAGES)
    files = {s: sources(s) if s == ".mid" else scores(s) for s in suffixes}
    if ".musicxml" in files:
        files[".musicxml"] += sources(".musicxml")
    rng = random.Random(asked.seed)
    counts: Counter[str] = Counter()
    slowest, largest, faults = 0.0, 0, 0
    end = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            suffix = rng.choice(suffixes)
            content = DAMAGES[suffix](rng.choice(files[suffix]), files[suffix], rng)
            path = Path(folder) / f"tune{suffix}"
            path.write_bytes(content)
            using = partial(use, path, **rng.choice(SETTINGS))
            outcome = limited.call(using, seconds=SECONDS, mebibytes=MEBIBYTES)
            slowest, largest = (
                max(slowest, outcome.seconds),
                max(largest, outcome.mebibytes),
            )
            kind = outcome.value if outcome.kind == limited.DONE else outcome.kind
            counts[f"{suffix} {kind}"] += 1
            if kind not in (USED, REFUSED):
                faults += 1
                asked.keep.mkdir(parents=True, exist_ok=True)
                kept = asked.keep / f"{asked.seed}-{sum(counts.values())}{suffix}"
                kept.write_bytes(content)
                print(f"{kept}: {kind}\n{outcome.value or ''}", flush=True)
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())))
    print(f"slowest {slowest:.1f} s of processor time, largest {largest} MiB")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
