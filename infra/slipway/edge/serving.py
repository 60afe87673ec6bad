"""Serve the control side until it is told to stop; without TLS on loopback alone."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from slipway.edge.server import application
from slipway.edge.shelf import Shelf
from slipway.edge.store import Store
from slipway.errors.base import Place, SlipwayError, UserError


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. `certificate` and `key`: PEM files; both or none."""

    host: str
    port: int
    certificate: Path | None
    key: Path | None


def tls_of(listen: Listen) -> ssl.SSLContext | None:
    """The TLS of a listener; raises `UserError` where others than this machine would be answered without."""
    if listen.certificate is None or listen.key is None:
        if (listen.certificate is None) != (listen.key is None):
            problem = "is given without the other of --certificate and --certificate-key"
            raise UserError(Place("command line"), "--certificate", problem, "both, or none", "give both")
        if not _loopback(listen.host):
            problem = f"{listen.host} is not loopback, and tokens would travel in clear"
            todo = "give --certificate and --certificate-key, or listen on 127.0.0.1 behind something that ends TLS"
            raise UserError(Place("command line"), "--host", problem, "127.0.0.1, or any host with TLS", todo)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.certificate, listen.key)
    except (OSError, ssl.SSLError) as error:
        problem = f"{listen.certificate} and its key cannot be used: {error.strerror or error}"
        raise UserError(Place("command line"), "--certificate", problem, "PEM files", "correct the paths") from None
    return context


def serve(fleet: str, store: Store, shelf: Shelf | None, listen: Listen, tell: Callable[[str], None]) -> None:
    """Answer until SIGINT or SIGTERM; raises `SlipwayError` where the port is taken."""
    tls = tls_of(listen)
    scheme = "http" if tls is None else "https"

    def said(text: str) -> None:
        if text:
            tell(f"fleet {fleet} is served at {scheme}://{listen.host}:{listen.port}")

    try:
        web.run_app(
            application(fleet, store, shelf=shelf),
            host=listen.host,
            port=listen.port,
            ssl_context=tls,
            print=lambda *words: said("".join(map(str, words))),
            access_log=None,
        )
    except OSError as error:
        text = f"{listen.host}:{listen.port} cannot be listened on: {error.strerror}; next: name another --port"
        raise SlipwayError(text) from error


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
