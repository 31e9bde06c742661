"""The settings of the service: who may use it, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

DEFAULT_PORT = 8321
LOOPBACK = "127.0.0.1"
COMPUTATION = "computation"
"""The name of the threads of computations."""


@dataclass(frozen=True)
class Limits:
    """The limits of the service. Requests beyond them are refused with a sentence."""

    bytes: int = 8 * 2**20
    """The most bytes of a request's body."""
    bars: int = 1000
    """The most bars of a project."""
    seconds: float = 300.0
    """The most seconds of a computation, with the time that it waits for others."""
    reading: float = 30.0
    """The most seconds in which a request's body must arrive, and an answer must be received."""
    at_once: int = 2
    """The most computations that run at the same time."""
    waiting: int = 8
    """The most further requests that are read, wait for a computation, or are being answered."""
    connections: int = 200
    """The most open connections."""


@dataclass(frozen=True)
class Settings:
    """Who may use the service, and its limits."""

    token: str | None
    """The token of each request, sent as ``Authorization: Bearer TOKEN``; None means no token."""
    allows_host: Callable[[str], bool]
    """Whether the ``Host`` of a request, in lower case, is an address of this service."""
    limits: Limits = field(default_factory=Limits)
    opened: tuple[bytes, str] | None = None
    """The content and the name of the file that the page opens first."""
