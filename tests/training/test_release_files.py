"""The files of scripts that train small networks, and the descriptions beside shipped weights."""

import csv
import json

import pytest
import torch

from musicae.core import assets
from musicae.core.errors import TrainingError
from musicae.models import checkpoint
from musicae.models.configs import KeyFinderConfig
from musicae.models.key_finder import KeyFinder
from musicae.models.onnx_engine import OnnxEngine
from musicae.training.release_files import EpochLog, kept_member, write_release


def test_a_repeated_epoch_replaces_its_row_in_the_log(tmp_path):
    log = EpochLog(tmp_path / "run" / "log.csv")
    for member, epoch, loss in ((0, 1, 3.0), (0, 2, 2.5), (1, 1, 3.1)):
        log.add(member, {"epoch": epoch, "train_loss": loss})
    again = EpochLog(log.path)
    again.add(0, {"epoch": 2, "train_loss": 2.4})  # stopped before the epoch was kept
    with log.path.open(newline="") as file:
        rows = [(row["member"], row["epoch"], row["train_loss"]) for row in csv.DictReader(file)]
    assert rows == [("0", "1", "3.0"), ("1", "1", "3.1"), ("0", "2", "2.4")]


def test_a_member_is_trained_once(tmp_path):
    path, facts = tmp_path / "member-0.pt", {"seed": 0}
    first = kept_member(path, facts, lambda: torch.nn.Linear(2, 2))
    second = kept_member(path, facts, lambda: pytest.fail("it was trained again"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    with pytest.raises(TrainingError, match=r"member-0\.pt: belongs to a run with other settings"):
        kept_member(path, {"seed": 1}, lambda: torch.nn.Linear(2, 2))


def test_a_release_holds_graphs_and_is_judged_as_it_is_stored(tmp_path):
    log = EpochLog(tmp_path / "run" / "log.csv")
    log.add(0, {"epoch": 1, "train_loss": 3.0})
    judged = []

    def judge(model):
        judged.append(model)
        return {"bach-valid": {"key": 0.5}}

    model = KeyFinder(KeyFinderConfig(width=4, gathered=2, hidden=4)).eval()
    write_release(tmp_path, ("key", model), {"seeds": [0]}, log.path, judge)
    (stored,) = judged
    assert isinstance(stored.engine, OnnxEngine)
    weight = model.members[0].whole.weight.half().float()
    assert torch.equal(torch.from_numpy(stored.tensors["members.0.whole.weight"]), weight)
    told = json.loads((tmp_path / "key.json").read_text(encoding="utf-8"))
    assert (told["checksum"], told["seeds"]) == (stored.checksum, [0])
    assert told["metrics"] == {"bach-valid": {"key": 0.5}}
    assert (tmp_path / "key.csv").read_bytes() == log.path.read_bytes()


@pytest.mark.parametrize("name", checkpoint.READERS)
def test_shipped_readers_are_described_beside_their_weights(name):
    loaded = checkpoint.load_checkpoint(checkpoint.find(name))
    facts = json.loads((assets.WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    assert facts["checksum"] == loaded.checksum
    assert {"settings", "seeds", "data", "versions", "metrics"} <= facts.keys()
    assert facts["data"]["pieces"] == sum(facts["data"]["by_side"].values())
    assert {"bach-valid", "hymn-valid"} <= facts["metrics"].keys()
    with (assets.WEIGHTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["member"] for row in rows}) == facts["config"]["members"]
    card = (assets.WEIGHTS / f"{name.upper()}.md").read_text(encoding="utf-8")
    for source in facts["data"]["sources"]:
        assert source["repository"] in card
