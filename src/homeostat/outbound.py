"""Outbound: HTTP to where it was allowed to go, and to nowhere else.

A host must stand on a list; the scheme is https; the name is resolved once, every address
must be a public one, it is connected to that address, and the other end of the socket is
asked again before the first byte is sent.  Redirects are answers, not orders.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpcore
import httpx

__all__ = ["KNOWN_HOSTS", "Allowed", "Forbidden", "GuardedTransport", "is_public"]

#: Hosts of services that notifiers know; nobody needs to list them.
KNOWN_HOSTS = frozenset(
    {"hooks.slack.com", "slack.com", "events.pagerduty.com", "events.eu.pagerduty.com"}
)
MOST_BYTES = 64 * 1024  #: of an answer; the rest is not read

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Called global by Python, or by registries, and yet not addresses of one host out there.
_NOT_OUT_THERE = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "2001::/23",  # Teredo and others that hold an IPv4 address
        "2002::/16",  # 6to4
    )
)
_OUT_THERE = ipaddress.ip_network("2000::/3")  # all of IPv6 that is given out


class Forbidden(httpx.TransportError):
    """The address is not one that may be talked to; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Where messages may go."""

    hosts: frozenset[str] = KNOWN_HOSTS  #: "name", for port 443, or "name:port"
    networks: tuple[Network, ...] = ()  #: addresses that are fine although they are not public

    def host(self, url: httpx.URL) -> bool:
        """Whether the host of this address stands on the list, with its port."""
        usual = {"https": 443, "http": 80}.get(url.scheme)
        name = url.host.lower()
        port = url.port or usual
        return f"{name}:{port}" in self.hosts or (port == usual and name in self.hosts)

    def address(self, text: str) -> bool:
        """Whether one may connect to this address."""
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return is_public(address) or any(_within(address, one) for one in self.networks)


def is_public(address: Address) -> bool:
    """Whether it is the address of one host on the internet.

    Examples
    --------
    >>> [is_public(ipaddress.ip_address(one)) for one in ("1.1.1.1", "127.0.0.1", "64:ff9b::1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address) and not _within(address, _OUT_THERE):
        return False
    hidden = any(_within(address, one) for one in _NOT_OUT_THERE)
    return address.is_global and not address.is_multicast and not hidden


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


@dataclass(frozen=True, kw_only=True)
class GuardedTransport(httpx.BaseTransport):
    """A transport of httpx that keeps to what is allowed; one connection for each request.

    Raises
    ------
    Forbidden
        When the host is not on the list, the scheme not https, or the address not public.
        Plain http is possible only to this machine, where its network is allowed.
    httpx.TransportError
        When the host does not answer, or not in time.
    """

    allowed: Allowed = field(default_factory=Allowed)
    resolve: Callable[..., Iterable[Any]] = socket.getaddrinfo
    tls: ssl.SSLContext | None = None  #: None: the authorities that httpx trusts

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, of which at most 64 KiB are read."""
        self._refuse(request.url)
        timeout = request.extensions.get("timeout") or {}
        deadline = time.monotonic() + 2 * (timeout.get("read") or 10.0)
        backend = _Backend(self, plain=request.url.scheme == "http")
        context = self.tls or _authorities()
        try:
            with httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool:
                return _asked(pool, request, deadline)
        except httpcore.TimeoutException as error:
            raise httpx.ReadTimeout(f"no answer in time: {error}", request=request) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise httpx.NetworkError(str(error) or type(error).__name__) from error

    def _refuse(self, url: httpx.URL) -> None:
        if url.scheme not in {"https", "http"}:
            raise Forbidden(f"{url.scheme}: only https is possible")
        if url.scheme == "http" and not _is_here(url.host):
            raise Forbidden(f"{url.host}: http is possible to this machine only; use https")
        if url.userinfo:
            raise Forbidden("the address holds a user or password; leave them out")
        if not self.allowed.host(url):
            name = url.netloc.decode("ascii", "replace")
            raise Forbidden(f"{name} is not in alerts.allowed_hosts; add it if it should be told")

    def addresses(self, host: str, port: int, *, plain: bool) -> list[str]:
        """The addresses of a host, all of them allowed.

        Raises
        ------
        Forbidden
            When one of them is not.
        httpcore.ConnectError
            When the name cannot be resolved.
        """
        try:
            found = self.resolve(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for one in addresses:
            self.check(one, host, plain=plain)
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address")
        return addresses

    def check(self, address: str, host: str, *, plain: bool) -> None:
        """Refuse an address that is not allowed."""
        if not self.allowed.address(address):
            message = f"{host} is at {address}, which is not public; see alerts.allowed_networks"
            raise Forbidden(message)
        if plain and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise Forbidden(f"{host}: http is possible to this machine only; use https")


@cache
def _authorities() -> ssl.SSLContext:
    # Reading all of them takes longer than a request does.
    return httpx.create_ssl_context(trust_env=False)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, and looks at them again once connected."""

    guard: GuardedTransport
    plain: bool
    inner: httpcore.SyncBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self.guard.addresses(host, port, plain=self.plain):
            try:
                stream = self.inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
                continue
            try:
                peer = str(stream.get_extra_info("server_addr")[0])
                self.guard.check(peer, host, plain=self.plain)
            except (Forbidden, OSError):
                stream.close()
                raise
            return stream
        raise failed


def _asked(
    pool: httpcore.ConnectionPool, request: httpx.Request, deadline: float
) -> httpx.Response:
    # HTTP/1.1 with one request on a connection: nothing outlives the answer.
    asked = httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=[*request.headers.raw, (b"Connection", b"close")],
        content=request.read(),
        extensions={"timeout": request.extensions.get("timeout", {})},
    )
    answer = pool.handle_request(asked)
    body = b""
    for part in answer.iter_stream():
        body += part
        if len(body) >= MOST_BYTES or time.monotonic() > deadline:
            break
    answer.close()
    kept = {b"content-type", b"retry-after", b"location"}
    headers = [(name, value) for name, value in answer.headers if name.lower() in kept]
    return httpx.Response(
        answer.status, headers=headers, content=body[:MOST_BYTES], request=request
    )
