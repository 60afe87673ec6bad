"""Configure Envoy and nginx as proxies that do nothing else: TLS in front, one address behind, connections kept."""

import json

PORT = 8443
TLS_FOLDER = "/etc/tls"
"""Where the gateway's own certificate is mounted, so that all have the same."""
CONFIG_FOLDER = "/etc/peer"
_TYPE = "type.googleapis.com/envoy.extensions"
_CHAIN, _KEY = f"{TLS_FOLDER}/tls.crt", f"{TLS_FOLDER}/tls.key"
THREADS = 2
"""As many as each Envoy of the gateway has."""

ENVOY_ARGUMENTS = ["-c", f"{CONFIG_FOLDER}/envoy", "--concurrency", str(THREADS), "--log-level", "warn"]
NGINX_ARGUMENTS = ["-c", f"{CONFIG_FOLDER}/nginx", "-e", "stderr"]


def envoy(address: str, port: int) -> str:
    """A listener, a route, a cluster: what a proxy needs, and nothing more."""
    route = {"match": {"prefix": "/"}, "route": {"cluster": "stub"}}
    router = {"@type": f"{_TYPE}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "alone",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    files = {"certificate_chain": {"filename": _CHAIN}, "private_key": {"filename": _KEY}}
    tls = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificates": [files]},
    }
    chain = {
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
    }
    endpoint = {"endpoint": {"address": _socket(address, port)}}
    cluster = {
        "name": "stub",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "stub", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    listener = {"name": "https", "address": _socket("0.0.0.0", PORT), "filter_chains": [chain]}
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})


def nginx(address: str, port: int) -> str:
    """As its manual has it for a proxy that keeps connections; no log of requests."""
    temporary = "\n".join(
        f"  {kind}_temp_path /tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
daemon off;
worker_processes {THREADS};
pid /tmp/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
{temporary}
  keepalive_requests 1000000;
  upstream stub {{ server {address}:{port}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen {PORT} ssl http2;
    ssl_certificate {_CHAIN};
    ssl_certificate_key {_KEY};
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


def _socket(address: str, port: int) -> dict[str, object]:
    return {"socket_address": {"address": address, "port_value": port}}
