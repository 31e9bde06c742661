"""The table that compares models with Bach: its rows, its files, and that it exposes a wreck."""

import csv
import json
from dataclasses import replace

import pytest

import musicae
from musicae.core.errors import MusicaeError
from musicae.corpus import load
from musicae.evaluation import comparison
from musicae.evaluation.comparison import Group
from musicae.evaluation.measure import measure
from musicae.evaluation.table import draw_table, markdown, write_csv
from musicae.models.checkpoint import load_model
from tests.support.wrecks import with_noise


@pytest.fixture(scope="module")
def bach():
    """Ten held-out chorales, and the whole train side."""
    loaded = load.load()
    held_out = comparison.bach(loaded, "valid")
    return loaded, replace(held_out, chorales=held_out.chorales[:10], belongs=tuple(range(10)))


@pytest.fixture(scope="module")
def rows(bach):
    loaded, held_out = bach
    noisy = tuple(with_noise(chorale, voice=1) for chorale in held_out.chorales)
    wrecked = Group("wrecked", noisy, held_out.belongs)
    train = loaded.side("train")[:10]
    copied = Group("copied", train, tuple(f"copy {i}" for i in range(10)))
    return comparison.compare([wrecked, copied], held_out, loaded)


def test_bach_comes_first_and_a_wreck_is_far_from_him(rows):
    held_out, wrecked, copied = rows
    assert [row.name for row in rows] == ["Bach (valid)", "wrecked", "copied"]
    assert held_out.apart is None
    assert wrecked.grade.median > 2 * held_out.grade.median
    assert wrecked.apart.auc > 0.9
    assert wrecked.rules["parallels"] > 5 * max(held_out.rules["parallels"], 0.1)
    assert copied.grade.median < 1.5 * held_out.grade.median


def test_copied_chorales_share_long_passages(rows):
    held_out, wrecked, copied = rows
    assert copied.shared[0] > 20 > held_out.shared[1]
    assert wrecked.shared[1] <= held_out.shared[1]
    assert wrecked.shared_soprano == held_out.shared_soprano


def test_the_table_as_text_csv_and_picture(rows, tmp_path):
    lines = markdown(rows).splitlines()
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1
    write_csv(rows, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["name"] for row in table] == [row.name for row in rows]
    assert float(table[1]["two_sample.auc"]) == rows[1].apart.auc
    assert table[0]["two_sample.auc"] == ""
    draw_table(rows, tmp_path / "table.png")
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")


def test_all_cores_measure_the_same(bach):
    loaded, held_out = bach
    alone, together = (
        measure(held_out.chorales, loaded.side("train"), workers=workers) for workers in (1, 2)
    )
    assert alone == together


def test_models_write_the_chorales_that_are_compared(bach, untrained):
    loaded, _ = bach
    model = load_model(str(untrained["minibach"]))
    group = comparison.harmonizations(model, loaded, "valid", seed=0)
    assert len(group.chorales) == len(loaded.side("valid"))
    for given, written in zip(loaded.side("valid"), group.chorales, strict=True):
        assert given.notes(0) == written.notes(0)
    assert 0 < group.accuracy.steps < 0.2, "it has learnt nothing"


def test_a_folder_names_the_files_left_out(bach, tmp_path):
    _, held_out = bach
    for i, chorale in enumerate(held_out.chorales[:3]):
        musicae.write(chorale, tmp_path / f"{i}.mid")
    (tmp_path / "broken.mid").write_bytes(b"no music")
    (tmp_path / "readme.txt").write_text("not looked at")
    group = comparison.folder(tmp_path)
    assert len(group.chorales) == 3
    assert len(group.skipped) == 1
    assert "broken.mid: is not a MIDI file" in group.skipped[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(MusicaeError, match="empty: has no chorale in four voices"):
        comparison.folder(tmp_path / "empty")


def test_the_command_compares_a_folder_and_refuses_missing_weights(musicae_command, bach, tmp_path):
    _, held_out = bach
    for i, chorale in enumerate(held_out.chorales[:5]):
        musicae.write(chorale, tmp_path / f"{i}.mid")
    done = musicae_command("evaluate", tmp_path, "--side", "valid", "--json")
    told = json.loads(done.out)
    assert [row["pieces"] for row in told["rows"]] == [38, 5]
    assert told["rows"][0]["nats_per_frame"] is None
    refused = musicae_command("evaluate", "none.safetensors")
    assert refused.status == 2
    assert "no such weights file" in refused.err
