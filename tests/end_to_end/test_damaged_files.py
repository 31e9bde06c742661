"""Damaged files are refused in a line or read; nothing else is ever raised."""

import io
import random
import re
import zipfile

import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.io import musicxml_writer
from tests.support import paths
from tests.support.filling import filler
from tests.support.scores import bar, note, score

MELODIES = sorted(paths.MELODIES.glob("*.mid"))


def damaged(content, rng):
    """The bytes with some changed, lost or added."""
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


@pytest.mark.parametrize("seed", range(12))
def test_damaged_melodies_are_used_or_refused_in_one_line(tmp_path, untrained, seed):
    rng = random.Random(seed)
    for _ in range(12):
        path = tmp_path / "tune.mid"
        path.write_bytes(damaged(rng.choice(MELODIES).read_bytes(), rng))
        try:
            (piece,) = musicae.harmonize(path, model=str(untrained["minibach"]))
            if len(piece.chorale) > 5000:
                continue
            piece.write(tmp_path / "out.mid")
            musicae.read(tmp_path / "out.mid")
        except MusicaeError:
            continue


PARTS = {
    "Soprano": [
        bar(
            "<direction><direction-type><rehearsal>A</rehearsal></direction-type>"
            "<sound tempo='80'/></direction>",
            note("C5", 0, before="<grace/>"),
            *(note(name, 8, "<lyric><text>la</text></lyric>") for name in ("C5", "D5", "E5")),
            note("F#5", 24, '<tie type="start"/><notations><fermata/></notations>'),
            note("F#5", 24, '<tie type="stop"/>') + note("A5", 24, before="<chord/>"),
            "<forward><duration>24</duration></forward>",
            key=1,
            extra="<transpose><diatonic>0</diatonic><chromatic>0</chromatic></transpose>",
        ),
        bar(
            note("G5", 48, "<voice>1</voice>"),
            "<backup><duration>48</duration></backup>",
            note("E5", 48, "<voice>2</voice>"),
            meter="3/4",
            key=-1,
        )
        + "<barline location='right'><repeat direction='backward'/></barline>",
        bar(
            '<note><rest measure="yes"/><duration>72</duration></note>',
            meter="3/4",
            extra='<measure-style><measure-repeat type="start">1</measure-repeat></measure-style>',
        ),
    ],
    "Bass": [bar(note("C3", 96)), bar(note("D3", 72), meter="3/4"), bar(note("C3", 72))],
}
SCORES = [
    score(Melody=PARTS["Soprano"]),
    score(**PARTS),
    score(Women=PARTS["Soprano"], Men=PARTS["Bass"]),
    musicxml_writer.to_xml(
        Chorale.from_notes([[(0, 8, 72), (8, 8, 71)], [(0, 16, 67)], [(0, 16, 62)], [(0, 16, 55)]])
    ).decode(),
]
NUMBERS = (
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


def damaged_text(text, rng):
    """The text with numbers, tags, attributes or characters changed, lost, moved or doubled."""
    for _ in range(rng.choice([1, 2, 5])):
        way = rng.randrange(5) if rng.random() < 0.9 else 5
        if way == 0:
            places = [m.span(1) for m in re.finditer(r">([^<>\s]+)<", text)]
            start, end = rng.choice(places or [(0, 0)])
            text = text[:start] + rng.choice(NUMBERS) + text[end:]
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


def archive_of(text, rng):
    """An .mxl archive of a text, with or without a container, whole or damaged."""
    buffer = io.BytesIO()
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
    return damaged(data, rng) if rng.random() < 0.6 else data


def use(path, model, rng):
    """What a musician does with a score: read, check, harmonize, write, read again."""
    musicae.read(path)
    wishes = rng.choice([{}, {"voice": "soprano"}, {"track": "1"}, {"bars": "1"}])
    with filler():
        (piece,) = musicae.harmonize(path, model=model, **wishes)
    for name in ("out.mid", "out.musicxml"):
        out = path.with_name(name)
        piece.write(out, analysis=rng.random() < 0.3)
        musicae.read(out)
    musicae.check(path.with_name("out.mid"))


def damaged_score(path, rng):
    """Write a damaged score: as text, as bytes in some encoding, or in an archive."""
    text = damaged_text(rng.choice(SCORES), rng)
    way = rng.random()
    if way < 0.6:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    elif way < 0.8:
        path.write_bytes(archive_of(text, rng))
    elif way < 0.9:
        path.write_bytes(text.encode(rng.choice(["utf-16", "utf-32", "latin-1"]), "replace"))
    else:
        path.write_bytes(damaged(text.encode(), rng))


@pytest.mark.parametrize("seed", range(12))
def test_damaged_scores_are_used_or_refused_in_one_line(tmp_path, untrained, seed):
    rng = random.Random(seed)
    complaints = []
    for _ in range(12):
        path = tmp_path / "tune.musicxml"
        damaged_score(path, rng)
        try:
            use(path, str(untrained["minibach"]), rng)
        except MusicaeError as error:
            complaints.append(str(error))
    assert not any("\n" in complaint for complaint in complaints)
    assert len(complaints) < 12
