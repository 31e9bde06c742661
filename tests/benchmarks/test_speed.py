"""Two programs take turns, each in a process of its own, and their ratio is printed."""

import importlib
import sys

import pytest

from tests.support import paths

PACKAGE = """
def harmonize(path, n):
    with open(path, "a") as log:
        log.write({name!r} + str(n))
"""


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(paths.ROOT / "benchmarks")
    return importlib.import_module("speed")


@pytest.fixture
def programs(tmp_path, speed):
    for name in "ab":
        (tmp_path / name / "musicae").mkdir(parents=True)
        (tmp_path / name / "musicae" / "__init__.py").write_text(PACKAGE.format(name=name))
    return [speed.Program(name, sys.executable, tmp_path / name) for name in "ab"]


@pytest.mark.parametrize(("fresh", "runs"), [(False, "a1b1" * 3), (True, "a1b1" * 2)])
def test_programs_take_turns(tmp_path, speed, programs, fresh, runs):
    task = {"task": "harmonize", "path": str(tmp_path / "log"), "n": 1}
    measured = speed.measure(speed.Row("both", task, fresh=fresh), programs, 2)
    assert (tmp_path / "log").read_text() == runs  # a warm row runs once that does not count
    assert [len(each) for each in measured] == [2, 2]
    assert all(run["seconds"] >= 0 and run["mebibytes"] > 1 for each in measured for run in each)


def test_commands_run_in_the_programs_own_tree(programs):
    code = "import musicae; assert musicae.__file__.endswith('{}/musicae/__init__.py')"
    assert programs[0].timed("-c", code.format("a"))["seconds"] > 0
    with pytest.raises(SystemExit, match=r"(?s)error: b: .*AssertionError"):
        programs[1].timed("-c", code.format("a"))


def test_the_ratio_is_of_the_medians(speed, capsys):
    speed.report("row", "s", ["here", "9531ff8"], [[1.0, 2.0, 9.0], [5.0, 6.0, 7.0]])
    assert capsys.readouterr().out.splitlines() == [
        "row:",
        "  here         2 s (1.5 to 5.5)",
        "  9531ff8      6 s (5.5 to 6.5)",
        "  ratio        3.00",
    ]
