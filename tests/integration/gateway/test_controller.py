"""The real Envoy Gateway on the local cluster: a Gateway of our class becomes Envoy, and answers over TLS."""

import base64
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kubernetes import client, dynamic

from tests.integration.cluster.conftest import api, create, eventually, image, serve

# Alone: the node has little room for Envoys beside three other environments, and a port that another Service was given
# leaves a Gateway without an address.
pytestmark = [pytest.mark.integration, pytest.mark.serial]

__all__ = ["api", "image", "serve"]

NODE_PORT = 30643
ENVOY = "127.0.0.1:5000/slipway/envoy:1.39.1"
SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture
def namespace(api: client.ApiClient) -> Iterator[str]:
    name = f"gateway-{uuid.uuid4().hex[:8]}"
    create(api, "v1", "Namespace", name)
    yield name
    client.CoreV1Api(api).delete_namespace(name)
    proxies = f"gateway.envoyproxy.io/owning-gateway-namespace={name}"
    eventually(lambda: not deployments(api, proxies), "the proxies of a deleted Gateway are gone", 120)


def deployments(api: client.ApiClient, selector: str) -> list[Any]:
    found: Any = client.AppsV1Api(api).list_namespaced_deployment("envoy-gateway-system", label_selector=selector)
    return list(found.items)


@pytest.fixture
def make(api: client.ApiClient, namespace: str) -> Callable[..., Any]:
    """Create one object in the namespace; gives the dynamic client's resource, to ask for it again."""
    dynamic_client = dynamic.DynamicClient(api)  # type: ignore[no-untyped-call]

    def made(version: str, kind: str, name: str, **fields: Any) -> Callable[[], Any]:
        resource = dynamic_client.resources.get(api_version=version, kind=kind)
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
        resource.create(body=body, namespace=namespace)
        return lambda: resource.get(name=name, namespace=namespace).to_dict()

    return made


def certificate() -> tuple[bytes, bytes]:
    """A certificate for localhost that is its own authority, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), secret


def test_a_gateway_of_the_class_answers_over_tls_and_strips_the_prefix(
    api: client.ApiClient, namespace: str, make: Callable[..., Any], serve: Callable[..., str], tmp_path: Path
) -> None:
    serve("web")
    cert, key = certificate()
    data = {"tls.crt": base64.b64encode(cert).decode(), "tls.key": base64.b64encode(key).decode()}
    make("v1", "Secret", "certificate", type="kubernetes.io/tls", data=data)
    container = {"image": ENVOY, "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}}, "securityContext": SECURE}
    port = {"type": "StrategicMerge", "value": {"spec": {"ports": [{"port": 443, "nodePort": NODE_PORT}]}}}
    provider = {"envoyDeployment": {"container": container}, "envoyService": {"type": "NodePort", "patch": port}}
    make(
        "gateway.envoyproxy.io/v1alpha1",
        "EnvoyProxy",
        "gateway",
        spec={"provider": {"type": "Kubernetes", "kubernetes": provider}},
    )
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": 443,
        "hostname": "localhost",
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": "certificate"}]},
    }
    parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "gateway"}
    began = time.monotonic()
    gateway = make(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "gateway",
        spec={
            "gatewayClassName": "slipway",
            "infrastructure": {"parametersRef": parameters},
            "listeners": [listener],
        },
    )
    cut = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/models/web"}}],
        "filters": [cut],
        "backendRefs": [{"name": "web", "port": 80}],
    }
    spec = {"parentRefs": [{"name": "gateway"}], "hostnames": ["localhost"], "rules": [rule]}
    make("gateway.networking.k8s.io/v1", "HTTPRoute", "web", spec=spec)

    eventually(lambda: condition(gateway(), "Programmed") == "True", "the Gateway is programmed", 240)
    print(f"programmed after {time.monotonic() - began:.1f} s")
    authority = tmp_path / "ca.crt"
    authority.write_bytes(cert)
    trusting = ssl.create_default_context(cafile=str(authority))

    def get(path: str) -> tuple[int, str]:
        try:
            url = f"https://localhost:{NODE_PORT}{path}"
            with urllib.request.urlopen(url, timeout=5, context=trusting) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError as error:
            return 0, str(error)

    eventually(lambda: get("/models/web/")[0] == 200, "a call through the gateway", 60)
    print(f"answered after {time.monotonic() - began:.1f} s")
    # The pod has this path; under its own prefix only.
    own = get("/models/web/resolve?name=kubernetes.default")
    assert own == (200, "10.245.0.1")
    assert get("/resolve?name=kubernetes.default")[0] == 404
    (proxy,) = deployments(api, f"gateway.envoyproxy.io/owning-gateway-namespace={namespace}")
    images = [container.image for container in proxy.spec.template.spec.containers]
    assert images == [ENVOY, "127.0.0.1:5000/slipway/envoy-gateway:v1.9.1"]


def condition(item: Any, kind: str) -> str | None:
    conditions = item.get("status", {}).get("conditions", [])
    return next((entry["status"] for entry in conditions if entry["type"] == kind), None)
