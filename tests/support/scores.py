"""MusicXML as tests write it: 24 divisions a quarter."""

from __future__ import annotations


def note(name, duration, extra="", before=""):
    """``note("Ab4", 24)`` is a quarter, and R is a rest; ``extra`` goes at the end of the note."""
    if name == "R":
        sound = "<rest/>"
    else:
        alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(name[1:-1], "")
        sound = f"<pitch><step>{name[0]}</step>{alter}<octave>{name[-1]}</octave></pitch>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{before}{sound}{length}{extra}</note>"


def bar(*notes, key=None, meter="4/4", extra=""):
    beats, unit = meter.split("/")
    signature = f"<key><fifths>{key}</fifths></key>" if key is not None else ""
    time = f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>"
    attributes = f"<attributes><divisions>24</divisions>{signature}{time}{extra}</attributes>"
    return attributes + "".join(notes)


def score(header="", **parts):
    """A score of parts by name; each part is a list of bars."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name.replace("_", " ")}</part-name></score-part>'
        for i, name in enumerate(parts)
    )
    music = ""
    for i, bars in enumerate(parts.values()):
        numbered = (f'<measure number="{n}">{b}</measure>' for n, b in enumerate(bars, start=1))
        music += f'<part id="P{i}">{"".join(numbered)}</part>'
    return f"<score-partwise>{header}<part-list>{listed}</part-list>{music}</score-partwise>"
