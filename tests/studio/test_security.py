"""Requests without a token, under other names or from other sites are refused; headers tell
browsers what to forbid."""

import socket

import pytest

from musicae.studio.security import HEADERS, named_hosts
from tests.support.service import LOOPBACK, serving

ASKED = (
    "/api/about",
    "/api/opened",
    "/api/soundfont",
    "/api/harmonize",
    "/api/none",
    "/etc/passwd",
)


def status(service, path="/api/about", **headers):
    answer = service.client.get(path, headers=headers)
    if not answer.is_success:
        assert answer.json()["error"]["message"]
    return answer.status_code


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("stated", ["", "Bearer", "Bearer a-toke", "Basic a-token", "ä"])
def test_no_token_no_answer(service, path, stated):
    headers = {"Authorization": stated.encode("utf-8")}
    answer = service.client.get(path, headers=headers)
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_address_is_not_enough(service):
    answer = service.client.get("/api/about?token=a-token", headers={"Authorization": ""})
    assert answer.status_code == 401


def test_files_without_data_need_no_token(service):
    for path in ("/api/health", "/openapi.json"):
        answer = service.client.get(path, headers={"Authorization": ""})
        assert answer.status_code == 200
    assert service.result("/api/health") == {"ok": True}


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "127.0.0.1:1", "localhost.example.org:{port}", "", "[::1]"]
)
@pytest.mark.parametrize("path", ["/", "/api/health", "/api/about"])
def test_another_host_name_for_this_address_is_refused(service, host, path):
    assert status(service, path, host=host.format(port=service.port)) == 403


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_the_own_names_are_answered(service, host):
    assert status(service, host=host.format(port=service.port)) == 200


@pytest.mark.parametrize(
    "origin",
    ["http://example.org", "null", "http://127.0.0.1:1", "http://localhost:{port}", "x" * 500, ""],
)
@pytest.mark.parametrize("path", ["/", "/api/health", "/api/about"])
def test_pages_of_other_sites_are_refused(service, origin, path):
    assert status(service, path, origin=origin.format(port=service.port)) == 403


def test_the_own_page_is_answered_and_no_other_origin_is_allowed(service):
    answer = service.client.get("/api/about", headers={"Origin": f"http://{service.host}"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_request_is_refused(service):
    asked = {"Origin": "http://example.org", "Access-Control-Request-Method": "POST"}
    answer = service.client.options("/api/harmonize", headers=asked)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/api/about", "/api/none", "/api/harmonize"])
def test_every_answer_says_what_browsers_forbid(service, path):
    answer = service.client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none';")


def test_answers_with_music_are_not_cached(service):
    assert service.client.get("/api/about").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        *("/built/../operations.py", "/built/%2e%2e/operations.py", "/built/..%2foperations.py"),
        *("//etc/passwd", "/built//etc/passwd", "/built/....//x", "/built/%00", "/built/"),
        *("/..%5c..%5cpyproject.toml", "/musicae/studio/app.py", "/built/index.html%00.js"),
    ],
)
def test_no_path_reaches_the_file_system(service, path):
    with socket.create_connection((LOOPBACK, service.port), timeout=10) as connection:
        lines = (f"GET {path} HTTP/1.1", f"Host: {service.host}", "Connection: close")
        lines += ("Authorization: Bearer a-token", "", "")
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.makefile("rb").read()
    assert answer.split(b"\r\n")[0] in (b"HTTP/1.1 404 Not Found", b"HTTP/1.1 400 Bad Request")


def test_a_service_without_a_token_still_refuses_other_hosts_and_origins():
    with serving(token=None) as insecure:
        assert insecure.client.get("/api/about").status_code == 200
        assert status(insecure, host="example.org") == 403
        assert status(insecure, origin="http://example.org") == 403


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        *[("music.example.org", True), ("music.example.org:8321", True), ("10.0.0.7:9000", True)],
        *[("[2001:db8::1]:8321", True), ("example.org", False), ("evil.music.example.org", False)],
        *[
            ("", False),
            ("[", False),
            ("music.example.org.", False),
            ("10.0.0.7.example.org", False),
        ],
    ],
)
def test_a_server_knows_its_names_and_any_numeric_address(host, allowed):
    assert named_hosts(["Music.Example.org"])(host) == allowed
