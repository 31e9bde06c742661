"""Limits on bodies, with or without a stated size, and on simultaneous requests."""

import threading

import pytest

from tests.support.service import PATIENCE, project, serving


@pytest.fixture(scope="module")
def small():
    with serving(bytes=2000, reading=0.2, at_once=1, waiting=0) as running:
        yield running


def pieces(size):
    for _ in range(size // 100):
        yield b" " * 100


def told(answer):
    return answer.json()["error"]["message"]


def test_a_body_that_says_it_is_too_large_is_not_read(small):
    answer = small.client.post("/api/open", content=b" " * 2001)
    assert answer.status_code == 413
    assert "larger than" in told(answer)


def test_a_body_in_chunks_is_counted(small):
    answer = small.client.post("/api/open", content=pieces(5000))
    assert answer.status_code == 413


def test_a_small_body_in_chunks_is_read(small):
    json = {"Content-Type": "application/json"}
    answer = small.client.post("/api/harmonize", content=pieces(1900), headers=json)
    assert answer.status_code == 400
    assert told(answer) == "this request is not JSON"


def test_a_body_that_does_not_arrive_is_given_up(small):
    with small.connected("/api/open", "Content-Length: 1000") as connection:
        assert connection.makefile("rb").readline() == b"HTTP/1.1 408 Request Timeout\r\n"


def test_too_many_requests_at_once_are_told_to_wait(small):
    """The first request holds the only place while its body is awaited."""
    fields = "Content-Length: 1000", "Expect: 100-continue"
    with small.connected("/api/open", *fields) as connection:
        assert connection.recv(25).startswith(b"HTTP/1.1 100")  # its body is awaited
        answer = small.ask("/api/harmonize", {"project": project()})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "busy" in told(answer)
        assert small.client.get("/api/health").status_code == 200


def test_two_clients_at_once_get_what_each_gets_alone(service):
    asked = [project(), project((69, 71, 72, 74, 76, 74, 72, 71))] * 2
    alone = [service.result("/api/harmonize", {"project": each}) for each in asked[:2]] * 2
    found = [None] * len(asked)

    def ask(i):
        found[i] = service.result("/api/harmonize", {"project": asked[i]})

    threads = [threading.Thread(target=ask, args=[i]) for i in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == alone
