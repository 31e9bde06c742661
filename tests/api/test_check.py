"""``check``: the report beside Bach's rates, its annotations, and what the command prints."""

import json
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import mido
import pytest

import musicae
from musicae.core.chorale import Chorale, Note
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.corpus import load
from musicae.io import midi_writer
from musicae.theory.voice_leading.bach import RATES, SHARES, measure_rates
from musicae.theory.voice_leading.rules import RULES, STRICT_RULES
from tests.support.strategies import differences


def hymn(*chords):
    """A chorale of quarters, given as chords of four pitches from the soprano down."""
    voices = zip(*chords, strict=True)
    return Chorale.from_notes(
        [[(4 * i, 4, pitch) for i, pitch in enumerate(voice)] for voice in voices], key=Key(0)
    )


CLEAN = hymn((72, 69, 65, 53), (72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48))
ON_FOUR = hymn((72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48), (72, 69, 65, 53))
PARALLEL = hymn((67, 64, 60, 48), (69, 65, 62, 50), (71, 67, 64, 52), (72, 69, 65, 53))


def test_a_clean_passage_has_nothing_to_report():
    checked = musicae.check(CLEAN)
    assert checked.violations == ()
    assert checked.beyond_bach == []
    assert {c.rate for c in checked.rules.values()} == {0.0}


def test_parallels_are_beyond_bach():
    checked = musicae.check(PARALLEL)
    fifths = checked.rules["parallel fifths"]
    assert (fifths.violations, fifths.rate, fifths.beyond) == (6, 150.0, True)
    assert fifths.percentile == 100
    assert fifths.bach < 0.5
    assert "parallel fifths" in checked.beyond_bach


def test_a_single_violation_is_not_beyond_bach():
    checked = musicae.check(hymn((72, 67, 64, 48), (74, 69, 62, 50)))
    assert checked.rules["parallel octaves"].violations == 1
    assert "parallel octaves" not in checked.beyond_bach


def test_few_held_out_chorales_are_beyond_bach():
    sides = load.load()
    beyond = {
        side: sum(bool(musicae.check(c).beyond_bach) for c in sides.side(side))
        for side in ("train", "valid")
    }
    assert beyond["train"] <= 0.05 * len(sides.side("train"))
    assert beyond["valid"] <= 0.14 * len(sides.side("valid"))


def test_an_end_on_iv_is_beyond_bach_and_reported():
    checked = musicae.check(ON_FOUR)
    assert checked.violations == ()
    assert checked.ends_on_tonic is False
    assert checked.beyond_bach == ["the last chord"]
    assert checked.findings == ["ends on IV, not on the tonic of C major"]
    assert "ends on IV, not on the tonic of C major" in checked.as_text().splitlines()
    assert checked.as_dict()["last_chord"] == "IV"


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ((72, 67, 60, 52), "ends on I6, not on the tonic of C major in root position"),
        ((72, 67, 63, 48), "ends on i, not on the tonic of C major"),
        ((72, 67, 62, 46), "ends on Bb2 D4 G4 C5, not on the tonic of C major"),
    ],
)
def test_an_end_that_is_no_tonic_is_named(last, name):
    checked = musicae.check(hymn((72, 67, 64, 48), last))
    assert checked.findings == [name]
    assert checked.beyond_bach == ["the last chord"]


def test_a_last_note_outside_the_tonic_triad_asks_for_no_tonic():
    checked = musicae.check(hymn((72, 67, 64, 48), (71, 67, 62, 55)))
    assert checked.ends_on_tonic is None
    assert checked.beyond_bach == checked.findings == []


def test_without_a_stated_key_the_likeliest_counts():
    checked = musicae.check(replace(CLEAN, key=None))
    assert (checked.last.key, checked.ends_on_tonic) == (Key(0), True)


def test_bachs_last_chords_are_not_beyond_bach():
    hymns = {chorale.title: chorale for chorale in load.load().side("valid")}
    checked = musicae.check(hymns["Herr, nun laß in Friede"])
    assert checked.findings == ["ends on V, not on the tonic of A minor"], "as in phrygian"
    assert checked.beyond_bach == []
    ends = [musicae.check(chorale) for chorale in load.load().side("valid")]
    allowed = [each for each in ends if each.ends_on_tonic is not None]
    assert sum(each.ends_on_tonic is True for each in allowed) > 0.8 * len(allowed)
    assert sum("the last chord" in each.beyond_bach for each in allowed) <= 2


def test_phrases_without_cadences_are_beyond_bach():
    tonic, sixth = (72, 67, 64, 48), (72, 69, 64, 57)
    rests = hymn(tonic, sixth, tonic, sixth, tonic, (72, 69, 65, 53), tonic)
    assert musicae.check(rests).beyond_bach == []
    checked = musicae.check(replace(rests, fermatas=(8, 16)))
    assert checked.shares["phrases with a cadence"][:2] == (1, 3)
    assert checked.beyond_bach == ["few phrases with a cadence"]
    assert checked.findings[0].startswith("1 of 3 phrases end in a cadence; ")


def test_thin_chords_are_beyond_bach():
    full, thin = (72, 67, 64, 48), (72, 67, 60, 48)
    checked = musicae.check(hymn(full, thin, thin, full))
    assert checked.shares["full beats"][:2] == (2, 4)
    assert checked.beyond_bach == ["few full beats"]
    assert checked.findings[0].startswith("2 of 4 beats have three notes of a chord; ")
    assert musicae.check(hymn(full, full, thin, full)).beyond_bach == [], "one is an accident"


def test_the_shipped_rates_are_the_train_sides():
    measured = measure_rates(load.load().side("train"))
    assert json.loads(RATES.read_text(encoding="utf-8")) == measured
    assert list(measured["rates"]) == list(RULES)
    assert list(measured["shares"]) == list(measured["share_limits"]) == list(SHARES)


def test_annotated_musicxml_colours_the_notes_and_names_the_rule(tmp_path):
    path = tmp_path / "checked.musicxml"
    checked = musicae.check(PARALLEL)
    checked.annotate(path)
    assert not differences(PARALLEL, musicae.read(path))
    root = ET.parse(path).getroot()
    coloured = root.findall(".//note[@color]")
    words = {element.text for element in root.findall(".//words")}
    assert 0 < len(coloured) < 16
    assert words == {violation.rule for violation in checked.violations}
    musicae.check(CLEAN).annotate(path)
    assert not ET.parse(path).getroot().findall(".//note[@color]")


def test_annotated_midi_has_markers(tmp_path):
    path = tmp_path / "checked.mid"
    musicae.check(PARALLEL).annotate(path)
    markers = [m.text for m in mido.MidiFile(path).tracks[0] if m.type == "marker"]
    assert markers.count("parallel fifths: Soprano Tenor") == 3
    assert markers.count("parallel fifths: Soprano Bass") == 3
    with pytest.raises(ChoraleError, match="its name should end in"):
        musicae.check(PARALLEL).annotate(tmp_path / "checked.txt")


def test_a_file_in_one_voice_is_refused_and_one_in_two_is_checked(tmp_path):
    outer = Chorale.from_notes([[Note(0, 16, 67)], [], [], [Note(0, 16, 48)]])
    midi_writer.write(Chorale.from_notes([outer.notes(0)]), tmp_path / "solo.mid")
    with pytest.raises(ChoraleError, match=r"solo.mid: is not in four voices: the alto"):
        musicae.check(tmp_path / "solo.mid")
    midi_writer.write(outer, tmp_path / "duo.mid")
    assert musicae.check(tmp_path / "duo.mid").parts == ("Soprano", "Bass")


def test_the_command_reports_by_bar_and_rule(musicae_command, tmp_path):
    path = tmp_path / "parallel.mid"
    musicae.write(PARALLEL, path)
    done = musicae_command("check", path)
    assert done.status == 0
    assert "bar 1 beat 2: parallel fifths" in done.out
    assert "beyond Bach: " in done.out
    assert musicae_command("check", path, "--strict").status == 1
    musicae.write(CLEAN, tmp_path / "clean.mid")
    assert musicae_command("check", tmp_path / "clean.mid", "--strict").status == 0


def test_the_command_prints_json_and_annotates(musicae_command, tmp_path):
    path = tmp_path / "parallel.mid"
    musicae.write(PARALLEL, path)
    out = tmp_path / "checked.musicxml"
    told = json.loads(musicae_command("check", path, "--json", "--annotate", out).out)
    assert told["files"][0]["path"] == str(path)
    assert told["files"][0]["rules"]["parallel fifths"]["violations"] == 6
    assert out.exists()
    assert musicae_command("check", path, path, "--annotate", out).status == 2


def test_the_command_refuses_files_that_are_not_in_four_voices(musicae_command, tmp_path):
    musicae.write(Chorale.from_notes([[(0, 4, 60)]]), tmp_path / "solo.mid")
    done = musicae_command("check", tmp_path / "solo.mid")
    assert done.status == 2
    assert done.err.startswith("error: ")
    assert "is not in four voices" in done.err


@pytest.mark.parametrize(
    ("voices", "clause"),
    [
        (2, "the tenor and the bass never sing"),
        (3, "the bass never sings"),
        (1, "the alto, the tenor and the bass never sing"),
    ],
)
def test_a_piece_in_fewer_voices_says_which_are_silent(voices, clause):
    piece = Chorale.from_notes([[(0, 4, 60)]] * voices)
    with pytest.raises(ChoraleError, match=f"not in four voices: {clause}$"):
        musicae.check(piece)


BARE = hymn((72, 67, 64, 48), (72, 67, 60, 48), (71, 67, 62, 55), (72, 67, 64, 48))
"""A passage that breaks no rule, except that one chord lacks its third."""


def test_the_default_check_ignores_strict_rules():
    checked = musicae.check(BARE)
    assert (checked.rule_set, checked.strict, checked.broken_strictly) == ("Bach's", None, [])
    assert checked.violations == ()
    assert "rules: Bach's: the 17 of the ordinary check" in checked.as_text().splitlines()
    told = checked.as_dict()
    assert told["rule_set"] == "Bach's"
    assert "strict_rules" not in told


def test_the_strict_check_adds_rules_and_changes_none_of_the_others():
    checked = musicae.check(BARE, strict=True)
    assert checked.rule_set == checked.as_dict()["rule_set"] == "strict"
    assert checked.broken_strictly == ["missing third"]
    assert checked.as_dict()["strict_rules"] == dict.fromkeys(STRICT_RULES, 0) | {
        "missing third": 1
    }
    assert [str(violation) for violation in checked.violations] == [
        "bar 1 beat 2: missing third, Soprano C5, Alto G4, Tenor C4, Bass C3"
    ]
    ordinary = musicae.check(BARE)
    assert (checked.rules, checked.beyond_bach) == (ordinary.rules, ordinary.beyond_bach)
    assert checked.as_text().splitlines()[-2] == (
        f"rules: strict: the 17 of the ordinary check, and {', '.join(STRICT_RULES)}"
    )


def test_the_command_takes_the_strict_rules_and_names_them(musicae_command, tmp_path):
    path = tmp_path / "bare.mid"
    musicae.write(BARE, path)
    done = musicae_command("check", path)
    assert (done.status, "missing third" in done.out) == (0, False)
    assert "rules: Bach's" in done.out
    strict = musicae_command("check", path, "--strict")
    assert strict.status == 1
    assert "bar 1 beat 2: missing third" in strict.out
    assert "rules: strict" in strict.out
    told = json.loads(musicae_command("check", path, "--strict", "--json").out)
    assert told["files"][0]["rule_set"] == "strict"


@pytest.mark.parametrize("suffix", [".mid", ".musicxml"])
def test_parallels_across_short_rests_are_reported_in_every_format(tmp_path, suffix):
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    tune = [*scale, *scale[::-1]] * 2
    voices = [
        [(4 * i, length, base + up) for i, up in enumerate(tune)]
        for base, length in ((67, 2), (64, 4), (60, 4), (48, 4))
    ]
    path = tmp_path / f"rests{suffix}"
    musicae.write(Chorale.from_notes(voices, key=Key(0)), path)
    outer = [v for v in musicae.check(path).violations if v.voices == (0, 3)]
    fifths = [v for v in outer if v.rule == "parallel fifths"]
    assert len(fifths) == sum(a != b for a, b in pairwise(tune))
