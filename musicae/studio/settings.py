"""The settings of the service: who may ask, and how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

DEFAULT_PORT = 8321
LOOPBACK = "127.0.0.1"
COMPUTATION = "computation"
"""The name of the threads that compute."""


@dataclass(frozen=True)
class Limits:
    """How much the service does at most; what is beyond is refused with a sentence."""

    bytes: int = 8 * 2**20
    """Of a request's body."""
    bars: int = 1000
    """Of a project."""
    seconds: float = 300.0
    """That a computation takes, with the time that it waits for others."""
    reading: float = 30.0
    """Seconds in which the body of a request arrives, and in which an answer is taken."""
    at_once: int = 2
    """Computations that run at the same time."""
    waiting: int = 8
    """Requests that are read, wait for one of those, or whose answers are sent."""
    connections: int = 200
    """That are open at the same time."""


@dataclass(frozen=True)
class Settings:
    """Who may ask the service, and how much."""

    token: str | None
    """What each request states as ``Authorization: Bearer TOKEN``; None asks for none."""
    allows_host: Callable[[str], bool]
    """Whether the ``Host`` of a request is an address of this service; it gets it in lower case."""
    limits: Limits = field(default_factory=Limits)
    opened: tuple[bytes, str] | None = None
    """The content and the name of a file that the page opens at first."""
