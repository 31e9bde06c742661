"""Work shared among processes: the results are the same, and none is lost if a process dies."""

import os
import signal
import time
from functools import partial

import pytest

from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.core.processes import Died, each

ITEMS = ["one", "two", "three", "four", "five"]


def nothing():
    pass


def refuse():
    raise MusicaeError("no such weights")


def shout(item):
    return item.upper()


def shout_or_die(item, deadly, once=None):
    """Kill the process at one item; if ``once`` is given, only while that file does not exist."""
    if item == deadly and not (once and once.exists()):
        if once:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item.upper()


def write_slowly(path):
    """Write a file in a minute, longer than the test takes, or at once if it is called ``one``."""
    with whole_file(path) as partial_file:
        partial_file.write_text("half")
        if path.name != "one":
            time.sleep(60)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_has_its_result(workers):
    results = dict(each(shout, ITEMS, workers, nothing))
    assert [results[place] for place in range(5)] == ["ONE", "TWO", "THREE", "FOUR", "FIVE"]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_be_prepared_is_refused_at_once(workers):
    with pytest.raises(MusicaeError, match="no such weights"):
        each(shout, ITEMS, workers, refuse)


def test_an_item_whose_process_dies_is_tried_again(tmp_path):
    work = partial(shout_or_die, deadly="two", once=tmp_path / "once")
    assert dict(each(work, ITEMS, 2, nothing)) == dict(enumerate(map(str.upper, ITEMS)))


def test_an_item_that_ends_two_processes_stops_no_other():
    results = dict(each(partial(shout_or_die, deadly="two"), ITEMS, 2, nothing))
    assert results.pop(1) == Died()
    assert results == {0: "ONE", 2: "THREE", 3: "FOUR", 4: "FIVE"}


def test_processes_that_are_stopped_leave_nothing_half_written(tmp_path):
    results = each(write_slowly, [tmp_path / name for name in ITEMS], 2, nothing)
    assert next(results) == (0, None)
    while len(list(tmp_path.glob(".*partial*"))) < 2:
        time.sleep(0.01)
    results.close()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
