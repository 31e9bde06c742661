"""Computations: progress in order, a time limit, an end if nobody waits, and no leaked errors."""

import json
import threading

import pytest
from fastapi import FastAPI

from musicae.core.errors import MusicaeError
from musicae.core.progress import report
from musicae.studio.computing import Computed, File, Workers, disposition
from musicae.studio.messages import BUG
from musicae.studio.settings import Limits
from tests.support.service import LINES, PATIENCE, serving

STEPS = 1000


class Bench:
    """A service of computations that the tests start and end."""

    def __init__(self, **limits):
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.ended = threading.Semaphore(0)
        self.app = FastAPI()
        workers = Workers(Limits(**limits))
        for compute in (self.steps, self.waits, self.fails, self.breaks, self.file):
            self.app.add_route(f"/{compute.__name__}", self.route(workers, compute), ["POST"])

    def route(self, workers, compute):
        async def endpoint(request):
            return Computed(workers, compute, request.headers.get("accept"))

        return endpoint

    def steps(self):
        for step in range(STEPS):
            report(step, STEPS)
        return {"done": True}

    def waits(self):
        """Report progress until the test lets it end, or until it is stopped."""
        self.begun.release()
        try:
            while not self.go_on.wait(0.002):
                report(1, 2)
            return "waited"
        finally:
            self.ended.release()

    def fails(self):
        raise MusicaeError("this tune has no notes")

    def breaks(self):
        raise ZeroDivisionError("a secret")

    def file(self):
        return File("Süß.mid", "audio/midi", b"MThd")


@pytest.fixture(scope="module")
def made():
    made = Bench(at_once=1, seconds=PATIENCE)
    with serving(made.app) as running:
        yield made, running


@pytest.fixture
def bench(made):
    made[0].go_on.clear()
    yield made
    made[0].go_on.set()


def test_lines_tell_progress_in_order_and_then_the_result(bench):
    _, running = bench
    *progress, last = running.lines("/steps", {})
    assert last == {"result": {"done": True}}
    done = [each["progress"] for each in progress]
    assert done == sorted(done)
    assert all(0 <= step < of for step, of in done)


def test_progress_arrives_before_the_result(bench):
    made, running = bench
    with running.client.stream("POST", "/waits", headers=LINES) as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines)) == {"progress": [500, 1000]}
        made.go_on.set()
        assert json.loads(list(lines)[-1]) == {"result": "waited"}


def test_without_lines_the_answer_is_the_result(bench):
    _, running = bench
    answer = running.ask("/steps", {})
    assert (answer.status_code, answer.json()) == (200, {"done": True})


def test_an_error_is_a_sentence(bench):
    _, running = bench
    told = {"error": {"message": "this tune has no notes"}}
    answer = running.ask("/fails", {})
    assert (answer.status_code, answer.json()) == (422, told)
    assert running.lines("/fails", {}) == [told]


def test_an_unexpected_error_reveals_nothing_of_the_program(bench, caplog):
    _, running = bench
    answer = running.ask("/breaks", {})
    assert (answer.status_code, answer.json()) == (500, {"error": {"message": BUG}})
    assert running.lines("/breaks", {}) == [{"error": {"message": BUG}}]
    assert "a secret" in caplog.text


def test_a_file_has_its_name(bench):
    _, running = bench
    answer = running.ask("/file", {})
    assert answer.content == b"MThd"
    assert answer.headers["content-type"] == "audio/midi"
    assert answer.headers["content-disposition"] == disposition("Süß.mid")


@pytest.mark.parametrize("name", ['a".mid', "a\r\nSet-Cookie: x.mid", "a;b=c.mid", "%41", "a\\b"])
def test_names_cannot_break_the_header(name):
    header = disposition(name)
    quoted = header.split('"')
    assert len(quoted) == 3
    assert header.isascii()
    assert header.isprintable()


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json"])
def test_a_closed_connection_stops_the_computation(bench, accept):
    made, running = bench
    with running.connected("/waits", f"Accept: {accept}", "Content-Length: 0"):
        assert made.begun.acquire(timeout=PATIENCE)
    assert made.ended.acquire(timeout=PATIENCE)
    assert not made.go_on.is_set()
    assert running.ask("/steps", {}).status_code == 200  # its place is free again


def test_a_computation_over_the_time_limit_is_stopped_with_a_message():
    made = Bench(at_once=1, seconds=0.1)
    with serving(made.app) as running:
        answer = running.ask("/waits", {})
        assert answer.status_code == 503
        assert "took longer than 0.1 seconds" in answer.json()["error"]["message"]
        assert made.ended.acquire(timeout=PATIENCE)
        last = running.lines("/waits", {})[-1]
        assert "took longer" in last["error"]["message"]


def test_a_computation_waits_until_a_place_is_free(bench):
    made, running = bench
    second = []
    with running.client.stream("POST", "/waits", headers=LINES) as first:
        lines = first.iter_lines()
        next(lines)
        thread = threading.Thread(target=lambda: second.append(running.ask("/steps", {})))
        thread.start()
        assert second == []
        made.go_on.set()
        assert json.loads(list(lines)[-1]) == {"result": "waited"}
        thread.join(PATIENCE)
    assert second[0].json() == {"done": True}
