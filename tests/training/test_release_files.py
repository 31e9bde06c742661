"""What the scripts that train small networks keep, and what is said beside the shipped weights."""

import csv
import json

import pytest
import torch

from musicae.core import assets
from musicae.core.errors import TrainingError
from musicae.models import checkpoint
from musicae.training.release_files import EpochLog, kept_member


def test_an_epoch_log_goes_on_where_it_was(tmp_path):
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
