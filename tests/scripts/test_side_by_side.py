"""Tasks side by side: each output is printed, and no failure is lost."""

import importlib.util
import threading
import time

import pytest

from tests.support.paths import ROOT


@pytest.fixture
def side_by_side(monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "side_by_side", ROOT / "scripts" / "side_by_side.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return module


def test_tasks_run_at_the_same_time_and_print_as_they_end(side_by_side, capsys):
    second_ended = threading.Event()

    def task(item):
        if item == "first":
            assert second_ended.wait(10)
        else:
            second_ended.set()
        return f"{item}, line 1\n{item}, line 2"

    side_by_side.run(task, ["first", "second"])
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [f"{i}, line {n}" for i in ("first", "second") for n in (1, 2)]


def test_a_failure_is_raised_and_no_further_task_begins(side_by_side, monkeypatch):
    monkeypatch.setattr(side_by_side.os, "cpu_count", lambda: 1)
    begun = []

    def task(item):
        begun.append(item)
        if item == 0:
            raise SystemExit("docs/guides/practice.md: the command and its output")
        time.sleep(0.05)
        return f"task {item}"

    with pytest.raises(SystemExit, match="the command and its output"):
        side_by_side.run(task, range(200))
    assert begun == list(range(len(begun)))
    assert len(begun) < 200
