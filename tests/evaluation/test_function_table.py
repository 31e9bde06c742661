"""The table of tonal function: which keys and plans it uses, and how it is printed."""

import json

import pytest

from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.corpus import load
from musicae.evaluation import comparison
from musicae.evaluation.comparison import Group
from musicae.evaluation.function_table import function_row, function_table, markdown
from musicae.io import midi_writer
from musicae.models.checkpoint import load_model
from tests.evaluation.test_function import passage

GOOD = passage("I", "IV", "V", "I", "IV", "V7", "I", fermatas=(2,))
BAD = passage("I", "IV", "vi", "I", "IV", "I", "IV", fermatas=(2,))


def test_a_set_is_measured_beside_its_settings():
    row = function_row(Group("made", (GOOD, BAD), (0, 1), settings=(GOOD, GOOD)))
    assert (row.name, row.pieces, row.may_close, row.closes) == ("made", 2, 2, 0.5)
    assert row.roots == pytest.approx((1 + 4 / 7) / 2)
    assert row.phrases == 4


def test_known_keys_go_before_stated_ones():
    stated = function_row(Group("", (BAD,), (0,)))
    known = function_row(Group("", (BAD,), (0,), keys=(Key(-1),)))
    assert (stated.closes, known.closes) == (0, 1)


def test_phrases_are_found_where_no_fermata_marks_one():
    unmarked = passage(*("I", "IV", "V", "I") * 8)
    assert function_row(Group("", (unmarked,), (0,))).phrases > 1


def test_sets_without_chorales_have_no_row():
    assert function_table([Group("none", (), ())]) == []


def test_the_table_in_markdown_and_as_numbers():
    rows = function_table([Group("a", (GOOD,), (0,)), Group("b", (BAD,), (0,), settings=(GOOD,))])
    lines = markdown(rows).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert "100.0% of 1" in lines[2]
    assert "0.0% of 1" in lines[3]
    assert lines[2].endswith("| - | - |")
    told = json.loads(json.dumps([row.as_dict() for row in rows]))
    assert told[0]["closes"] == 1
    assert told[0]["kinds"]["half"] == 0.5


def test_bachs_own_chorales_close():
    row = function_row(comparison.bach(load.load(), "valid"))
    assert row.closes > 0.9
    assert row.cadences > 0.85
    assert row.full > 0.95
    assert row.foreign < 0.08


@pytest.fixture(scope="module")
def four_part(tmp_path_factory):
    """A folder of four-part data with two hymns, one admitted and one not."""
    folder = tmp_path_factory.mktemp("four-part")
    for name in ("one", "two"):
        midi_writer.write(GOOD, folder / f"{name}.mid")
    head = "piece,title,composer,repo,licence,style,key,church_mode,parallels,admit,bach_tune"
    rows = [f"{name},{name},,by/us,none,hymn,C major,ionian,0,{admit}," for name, admit in
            (("one", "yes"), ("two", "no"))]  # fmt: skip
    (folder / "manifest.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "sides.csv").write_text("piece,tune_id,side\none,t1,hymn-valid\ntwo,t2,hymn-valid\n")
    return folder


def test_hymns_are_compared_with_a_models_harmony_of_their_sopranos(four_part, untrained):
    hymns, written = comparison.hymn_groups([str(untrained["minibach"])], four_part, "valid", 0)
    assert (hymns.name, len(hymns.chorales)) == ("hymn-valid", 1)
    assert written.settings == hymns.chorales
    assert written.keys == hymns.keys == (Key(0),)
    assert written.chorales[0].notes(0) == hymns.chorales[0].notes(0)
    own, model = function_table([hymns, written])
    assert own.closes == 1
    assert (own.roots, model.roots is None) == (None, False)


def test_sides_without_hymns_are_refused(four_part):
    with pytest.raises(MusicaeError, match="has no piece on the side hymn-test"):
        comparison.hymns(four_part, "test")
    with pytest.raises(MusicaeError, match="are valid and test, not train"):
        comparison.hymns(four_part, "train")


def test_sopranos_are_harmonized_along_plans_that_close():
    group = Group("melody", (GOOD,), (0,), keys=(Key(0),))
    written = comparison.harmonize_sopranos(load_model("harmonizer"), group, "hymn", seed=0)
    assert written.name == "harmonizer on melody"
    assert function_row(written).closes == 1


def test_the_command_prints_function_in_its_table_and_json(musicae_command, four_part, tmp_path):
    for i, chorale in enumerate((GOOD, BAD)):
        midi_writer.write(chorale, tmp_path / f"{i}.mid")
    options = ("--side", "valid", "--four-part", four_part)
    told = json.loads(musicae_command("evaluate", tmp_path, *options, "--json").out)
    names = [row["name"] for row in told["function"]]
    assert names == ["Bach (valid)", tmp_path.name, "hymn-valid"]
    assert told["function"][1]["closes"] == 0.5
    assert "--four-part" in musicae_command("evaluate", tmp_path / "0.mid", *options).err
