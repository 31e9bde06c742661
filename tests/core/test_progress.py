"""Progress is reported as one rising number, from any thread; the callback can stop the work."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from musicae.core.progress import Tally, portion, pulse, report, reporting


def told_by(work):
    told = []
    with reporting(lambda done, of: told.append((done, of))):
        work()
    return told


def test_portions_are_parts_of_the_whole():
    def work():
        report(1, 10)
        with portion(1, 4):
            report(1, 2)
            with portion(1, 2):
                pulse()
                report(1, 1)
        report(3, 4)

    assert told_by(work) == [(d, 1000) for d in (100, 375, 375, 500, 750)]


def test_reported_progress_never_falls():
    assert told_by(lambda: [report(done, 4) for done in (2, 1, 3, 9, 0)]) == [
        (d, 1000) for d in (500, 500, 750, 1000, 1000)
    ]


def test_without_a_callback_nothing_is_reported():
    told = told_by(lambda: report(1, 2))
    report(3, 4)
    with portion(0, 2):
        pulse()
    Tally(2).report(0, 1, 2)
    assert told == [(500, 1000)]


def test_threads_add_up_and_all_of_them_stop():
    def work(tally, thread):
        for done in range(100):
            tally.report(thread, done + 1, 100)

    told = []
    with reporting(lambda done, _: told.append(done)), ThreadPoolExecutor(2) as pool:
        tally = Tally(2)
        list(pool.map(work, [tally] * 2, range(2)))
    assert len(told) == 200
    assert told == sorted(told)
    assert told[-1] == 1000

    calls = []

    def stop(done, _):
        calls.append(done)
        raise KeyboardInterrupt

    with reporting(stop), ThreadPoolExecutor(2) as pool:
        tally = Tally(2)
        futures = [pool.submit(work, tally, thread) for thread in range(2)]
    assert [type(future.exception()) for future in futures] == [KeyboardInterrupt] * 2
    assert len(calls) == 1


def test_the_outer_callback_is_back_after_an_inner_one():
    told = []
    with reporting(lambda done, _: told.append(("outer", done))):
        with pytest.raises(ValueError, match="enough"), reporting(stopping):
            report(1, 2)
        report(1, 4)
    assert told == [("outer", 250)]


def stopping(*_):
    raise ValueError("enough")
