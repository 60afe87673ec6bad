"""A web server of weights over TLS that behaves badly where it is told to: it is what a download meets on a bad day."""

import base64
import datetime
import ipaddress
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answer = Callable[["Handler"], None]


@dataclass
class Server:
    """A running server. `asked`: method, path, range and authorization of each request so far."""

    url: str
    certificate: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    @property
    def ranges(self) -> list[str | None]:
        """The ranges that were asked for, in order."""
        return [ranged for _, ranged, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    served: Server

    def do_GET(self) -> None:
        """Answer as the path is told to."""
        path = self.path.partition("?")[0]
        self.served.asked.append((path, self.headers.get("Range"), self.headers.get("Authorization")))
        answer = self.served.answers.get(path)
        if answer is None:
            self.status(404)
        else:
            answer(self)

    def status(self, code: int, **headers: str) -> None:
        """An answer without a body."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def document(self, value: object, code: int = 200) -> None:
        """A JSON document."""
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send(self, data: bytes, tag: str | None = '"1"', upto: int | None = None, *, ranges: bool = True) -> None:
        """A file, from where it is asked for; `upto`: break off before that byte."""
        start, end = 0, len(data)
        asked = self.headers.get("Range")
        if ranges and asked and self.headers.get("If-Range") in (None, tag):
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(data):
                self.status(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        else:
            self.send_response(200)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(data[start:upto])
        if upto is not None:
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


def basic(user: str, password: str) -> str:
    """The header that a user and a password make."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def weights_server(folder: Path, *, tls: bool = True) -> Iterator[Server]:
    """Run a server on loopback; `folder` gets its certificate."""
    certificate = folder / "server.pem"
    handler = type("OwnHandler", (Handler,), {})
    server = _Quiet(("127.0.0.1", 0), handler)
    if tls:
        write_certificate(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    served = Server(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", certificate)
    handler.served = served  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def write_certificate(path: Path) -> None:
    """A key and a certificate for 127.0.0.1 that it signed itself, PEM in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"weights {uuid.uuid4().hex}")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
