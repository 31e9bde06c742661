"""Protect the service: check the token, ``Host`` and ``Origin``, and send security headers.

A page of another site cannot use the service. It does not know the token, its ``Origin`` is
refused, and a host name of its own that resolves to this machine (DNS rebinding) is no allowed
``Host``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from musicae.studio.messages import App, Message, Receive, Scope, Send, refuse
from musicae.studio.settings import LOOPBACK, Settings

HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "midi=(self), microphone=(), camera=(), geolocation=(), payment=()",
}
"""The headers of every answer."""
UNSTORED = "no-store"
"""``Cache-Control`` of answers with a musician's data."""
BEARER = "bearer "
MANY_BYTES = 200
"""The most characters of an address; longer ones are refused."""


class Guard:
    """ASGI middleware: passes on only requests with the token and from the service's own page."""

    def __init__(self, app: App, settings: Settings, public: Collection[str]) -> None:
        """``public`` are the paths that need no token, such as those of the page's files."""
        self._app, self._public = app, frozenset(public)
        self._allows_host = settings.allows_host
        self._token = None if settings.token is None else settings.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        open_to_all = scope["path"] in self._public
        sending = _with_headers(send, stored=open_to_all)
        fields = [(name.lower(), value) for name, value in scope["headers"]]
        hosts = _values(fields, b"host")
        if len(hosts) != 1 or not self._allows_host(hosts[0].lower()):
            await refuse(sending, 403, "this is not the address that musicae printed at its start")
            return
        origins = _values(fields, b"origin")
        if origins and not (len(origins) == 1 and _is_own(origins[0], hosts[0], scope["scheme"])):
            await refuse(sending, 403, "only musicae's own page may send this request")
            return
        if not open_to_all and not self._knows(_values(fields, b"authorization")):
            message = (
                "this page is not connected: open the address that musicae printed when it started"
            )
            await refuse(sending, 401, message, [("www-authenticate", "Bearer")])
            return
        await self._app(scope, receive, sending)

    def _knows(self, stated: list[str]) -> bool:
        if self._token is None:
            return True
        if len(stated) != 1 or not stated[0].lower().startswith(BEARER):
            return False
        return secrets.compare_digest(stated[0][len(BEARER) :].strip().encode(), self._token)


def _values(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for field, value in fields if field == name]


def _is_own(origin: str, host: str, scheme: str) -> bool:
    """Whether an origin is the page at ``host``; https is allowed, because a proxy may add TLS."""
    if len(origin) > MANY_BYTES:
        return False
    return origin.lower() in {f"{scheme}://{host}".lower(), f"https://{host}".lower()}


def _with_headers(send: Send, stored: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            headers += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            if not stored:
                headers.append((b"cache-control", UNSTORED.encode()))
            message["headers"] = headers
        await send(message)

    return sending


def loopback_hosts(port: int) -> Callable[[str], bool]:
    """Allow only the names of this machine's loopback address, with the port."""
    names = {f"{name}:{port}" for name in (LOOPBACK, "localhost", "[::1]")}
    return names.__contains__


def named_hosts(names: Iterable[str]) -> Callable[[str], bool]:
    """Allow some names, and all numeric addresses, which DNS cannot redirect; at any port.

    Any port, because a container or a proxy may use another one than the service.
    """
    known = {name.lower() for name in names}

    def allows(host: str) -> bool:
        if len(host) > MANY_BYTES:
            return False
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in known:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    return allows
