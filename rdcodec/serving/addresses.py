"""Addresses, and what may be spoken at them: TLS anywhere, plain text on this machine alone unless it is asked for."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["ClientSecurity", "ServerSecurity", "is_loopback", "parse_address"]


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPv6]:PORT``.

    Raises
    ------
    RdcodecError
        It is neither.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise RdcodecError(f"address: expected HOST:PORT, got {text!r}")
    return host, int(port)


@dataclass(frozen=True)
class ServerSecurity:
    """What a server asks of its links.

    Parameters
    ----------
    certificate, key : path, optional
        PEM files, for TLS.
    token : str, optional
        That clients must bear.
    insecure : bool
        Take plain text from other machines as well.

    Raises
    ------
    RdcodecError
        Only one of `certificate` and `key` is given.
    """

    certificate: Path | None = None
    key: Path | None = None
    token: str | None = None
    insecure: bool = False

    def __post_init__(self):
        if (self.certificate is None) != (self.key is None):
            raise RdcodecError("certificate and key: expected both or neither")

    def credentials(self, host: str) -> grpc.ServerCredentials | None:
        """grpc.ServerCredentials for an address, None for plain text.

        Raises
        ------
        RdcodecError
            Others could read what passes.
        """
        if self.certificate is not None and self.key is not None:
            return grpc.ssl_server_credentials([(Path(self.key).read_bytes(), Path(self.certificate).read_bytes())])
        _check_plaintext(host, self.insecure)
        return None


@dataclass(frozen=True)
class ClientSecurity:
    """How a client speaks to a server.

    Parameters
    ----------
    tls : bool
    authority : path, optional
        PEM file of who signed the server's certificate, where that is nobody whom this machine knows; means `tls`.
    token : str, optional
        Bearer token.
    insecure : bool
        Speak plain text to other machines as well.
    """

    tls: bool = False
    authority: Path | None = None
    token: str | None = None
    insecure: bool = False

    def channel(self, address: str, options: Sequence[tuple[str, Any]]) -> grpc.Channel:
        """grpc.Channel to an address, with options of gRPC: pairs of name and value.

        Raises
        ------
        RdcodecError
            It is none, or others could read what passes.
        """
        host, _ = parse_address(address)
        if self.tls or self.authority is not None:
            roots = None if self.authority is None else Path(self.authority).read_bytes()
            return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), options)
        _check_plaintext(host, self.insecure)
        return grpc.insecure_channel(address, options)

    @property
    def metadata(self) -> list[tuple[str, str]] | None:
        """list of (str, str), or None : names and values that each call brings."""
        return None if self.token is None else [("authorization", f"Bearer {self.token}")]


def _check_plaintext(host, insecure):
    if not (insecure or is_loopback(host)):
        raise RdcodecError(f"{host} is not this machine: give a certificate for TLS, or ask for plain text by insecure (--insecure)")


def is_loopback(host):
    """Whether a host's name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
