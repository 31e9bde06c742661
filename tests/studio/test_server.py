"""``musicae studio`` and ``musicae serve`` as commands: addresses, ports, tokens, and the end."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

import musicae
from musicae.cli import studio as commands
from musicae.core.assets import CHECKOUT
from musicae.core.errors import MusicaeError
from musicae.studio.computing import ENDED
from musicae.studio.server import listen
from musicae.studio.settings import DEFAULT_PORT, LOOPBACK
from tests.support.service import LINES, PATIENCE, SCALE, project


@contextlib.contextmanager
def running(*arguments, **variables):
    """Run the command in a process of its own; gives the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "musicae", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    try:
        line = process.stdout.readline()
        yield process, re.search(r"http://(\S+?)/(?:#token=(\S+))?", line)
    finally:
        process.kill()
        process.communicate()


def about(address, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"http://{address}/api/about", headers=headers, timeout=PATIENCE)


def test_the_page_of_a_file_until_ctrl_c(tmp_path):
    path = tmp_path / "mine.musicae"
    musicae.Project.of_dict(project(title="Mine")).write(path)
    with running("studio", path, "--no-browser", "--port", 0) as (process, found):
        address, token = found.groups()
        assert address.startswith(f"{LOOPBACK}:")
        assert len(token) > 40
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(
            base_url=f"http://{address}", headers=headers, timeout=PATIENCE
        ) as client:
            (part,) = client.get("/api/opened").json()["parts"]
            assert part["project"]["title"] == "Mine"
            assert about(address, None).status_code == 401
            assert about(address, token + "x").status_code == 401
            assert process.stdout.readline() == "Ctrl-C stops it\n"
            asked = {"project": project(SCALE * 100)}
            with client.stream("POST", "/api/harmonize", json=asked, headers=LINES) as answer:
                lines = answer.iter_lines()
                assert "progress" in next(lines)
                process.send_signal(signal.SIGINT)
                assert json.loads(list(lines)[-1]) == {"error": {"message": ENDED}}
            out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_server_takes_its_token_from_the_environment():
    arguments = ("serve", "--host", LOOPBACK, "--port", 0, "--name", "music.example.org")
    with running(*arguments, MUSICAE_TOKEN="one-of-mine") as (process, found):
        address, token = found.groups()
        assert token == "one-of-mine"
        assert about(address, token).status_code == 200
        headers = {"Authorization": f"Bearer {token}", "Host": "music.example.org"}
        url = f"http://{address}/api/about"
        assert httpx.get(url, headers=headers, timeout=PATIENCE).status_code == 200
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_without_a_token_only_behind_insecure(musicae_command):
    with running("serve", "--host", LOOPBACK, "--port", 0, "--insecure") as (_, found):
        address, token = found.groups()
        assert token is None
        assert about(address, None).status_code == 200
    outcome = musicae_command("serve", "--host", LOOPBACK, "--insecure", "--token", "x")
    assert outcome.status == 2
    assert "contradict" in outcome.err


def test_the_container_serves_and_is_found_healthy():
    text = (CHECKOUT / "docs" / "Containerfile").read_text(encoding="utf-8")
    (_, *command), (_, *check) = map(
        json.loads, re.findall(r"^(?:ENTRYPOINT| +CMD) (\[.*\])$", text, re.MULTILINE)[::-1]
    )
    assert "USER musicae" in text
    with running(*command, "--port", 0) as (_, found):
        port = found[1].partition(":")[2]
        asked = [each.replace("8321", port) for each in check]
        assert (
            subprocess.run([sys.executable, *asked], check=False, timeout=PATIENCE).returncode == 0
        )
        assert found[2]


def test_two_studios_take_two_ports():
    first = listen(LOOPBACK, None)
    with first, listen(LOOPBACK, None) as second:
        ports = [each.getsockname()[1] for each in (first, second)]
        assert DEFAULT_PORT <= ports[0] < ports[1]
        with pytest.raises(MusicaeError, match=f"port {ports[0]}: cannot be used"):
            listen(LOOPBACK, ports[0])


def test_the_studio_listens_only_to_this_machine():
    with listen(LOOPBACK, 0) as listening:
        assert listening.getsockname()[0] == LOOPBACK
        assert listening.family == socket.AF_INET


@pytest.mark.parametrize("host", ["256.1.1.1", "203.0.113.9"])
def test_a_foreign_address_is_refused_in_one_line(musicae_command, host):
    outcome = musicae_command("serve", "--host", host, "--port", 0)
    assert outcome.status == 2
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1


def test_a_missing_file_is_refused_in_one_line(musicae_command, tmp_path):
    outcome = musicae_command("studio", tmp_path / "none.mid", "--no-browser")
    assert outcome.status == 2
    assert (
        outcome.err
        == f"error: {tmp_path / 'none.mid'}: cannot be read (No such file or directory)\n"
    )


def test_without_the_extra_one_line_names_it(musicae_command, monkeypatch):
    monkeypatch.setattr(
        commands,
        "find_spec",
        lambda name: None if name == "uvicorn" else importlib.util.find_spec(name),
    )
    outcome = musicae_command("studio", "--no-browser")
    assert outcome.status == 2
    assert (
        outcome.err == "error: the page needs fastapi and uvicorn: pip install 'musicae[studio]'\n"
    )
