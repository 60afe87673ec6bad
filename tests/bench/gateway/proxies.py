"""Run Envoy and nginx on this machine as proxies that do nothing else: TLS in front, one address behind."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.local.host.proc_net import listener

_READY_LIMIT_S = 20.0
_STOP_LIMIT_S = 10.0
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


@dataclass(frozen=True)
class Certificate:
    """PEM files: of a server, its key, and the authority that a client trusts."""

    certificate: Path
    key: Path
    authority: Path


@contextmanager
def envoy(binary: Path, folder: Path, port: int, upstream: tuple[str, int], own: Certificate) -> Iterator[int]:
    """Run Envoy with TLS on loopback in front of one address; yields its pid."""
    config = folder / "envoy.json"
    config.write_text(json.dumps(_envoy_config(port, upstream, own)))
    # Two threads, as the pods of the gateway have on this machine.
    command = [binary, "-c", config, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warn"]
    with _running("envoy", [str(part) for part in command], folder, port) as pid:
        yield pid


@contextmanager
def nginx(binary: Path, folder: Path, port: int, upstream: tuple[str, int], own: Certificate) -> Iterator[int]:
    """Run nginx with TLS on loopback in front of one address, connections to it kept; yields its first pid."""
    for name in ("logs", "body", "proxy"):
        (folder / name).mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_nginx_config(folder, port, upstream, own))
    with _running("nginx", [str(binary), "-p", str(folder), "-c", str(config)], folder, port) as pid:
        yield pid


@contextmanager
def _running(name: str, command: list[str], folder: Path, port: int) -> Iterator[int]:
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _READY_LIMIT_S
        while listener(port) is None:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} did not listen within {_READY_LIMIT_S:g} s:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _envoy_config(port: int, upstream: tuple[str, int], own: Certificate) -> dict[str, object]:
    """A listener, a route, a cluster: what a proxy needs, and nothing more."""
    manager = {
        "@type": f"type.googleapis.com/{_HCM}",
        "stat_prefix": "alone",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "stub"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"type.googleapis.com/{_ROUTER}"}}
        ],
    }
    files = {"certificate_chain": {"filename": str(own.certificate)}, "private_key": {"filename": str(own.key)}}
    tls = {"@type": f"type.googleapis.com/{_TLS}", "common_tls_context": {"tls_certificates": [files]}}
    https = {
        "name": "https",
        "address": _socket("127.0.0.1", port),
        "filter_chains": [
            {
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
            }
        ],
    }
    endpoint = {"endpoint": {"address": _socket(*upstream)}}
    cluster = {
        "name": "stub",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "stub", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {"static_resources": {"listeners": [https], "clusters": [cluster]}}


def _socket(address: str, port: int) -> dict[str, object]:
    return {"socket_address": {"address": address, "port_value": port}}


def _nginx_config(folder: Path, port: int, upstream: tuple[str, int], own: Certificate) -> str:
    """As the manual says it for a proxy: HTTP/1.1 and kept connections to the upstream; no log of requests."""
    return f"""\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/proxy;
  uwsgi_temp_path {folder}/proxy;
  scgi_temp_path {folder}/proxy;
  keepalive_requests 1000000;
  upstream stub {{ server {upstream[0]}:{upstream[1]}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {own.certificate};
    ssl_certificate_key {own.key};
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""
