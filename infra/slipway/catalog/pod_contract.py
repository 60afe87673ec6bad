"""Pin what specs, manifests and images agree on: the API version, ports, the user of a pod, the image's Python.

A change of this file is a new release of every model; pins that no model is made of are in platform_versions.py.
"""

from collections.abc import Mapping

API_VERSION = "slipway/v1"

SERVER_PORT = 8080
"""The port that the model server listens on inside its pod."""

SERVICE_PORT = 80
"""The port of a model's Service."""

GRPC_PORT = 8081
"""The port for gRPC, of the pod and of the Service, where a model speaks it."""
GRPC_SERVICE = "inference.GRPCInferenceService"
"""The service of the Open Inference Protocol: what a route lets through."""
GRPC_HEADER = "model-name"
"""The metadata in which a caller at the gateway names the model: over gRPC there is no path to choose it by."""

SERVER_USER = 65532
"""User and group of every process in a model's pod: `nonroot` of the distroless images, above 10000, so that it
is nobody on the node."""

LINGER_S = 60.0
"""How much longer than `rollout.drain` a stopping replica goes on answering while requests still come to it. Who sends
them learns of replicas from the API server, and asks it again within a minute when it was away: client-go waits 30 s at
most between two tries, and up to twice that by chance."""

NAME_SERVICE = ({"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"})
"""The ports of a rule that lets pods look up names."""

KEYS_CHECK_PORT = 8080
"""Where the keys service is asked about a request."""
KEYS_ADMIN_PORT = 8081
"""Where it is administered; its page, health and metrics are there too."""
KEYS_LOG_PORT = 4317
"""Where it takes Envoy's access log, as OpenTelemetry over gRPC."""

JUDGE_PORT = 8080
"""Where the judge of a rollout takes the calls that Envoy replays to it."""
JUDGE_ADMIN_PORT = 8081
"""Its health and metrics."""
FLEET_PORT = 8443
"""Where the control side of a fleet answers devices and commands, by TLS."""
VARIANT_HEADER = "x-slipway-variant"
"""What the keys service says which release a caller is kept with; what a client sends of it the gateway removes."""
VARIANT_NEW, VARIANT_OLD = "new", "old"
VARIANT_NONE = "none"
"""Of nobody: a rule that asks for it gets no call."""

GATE_FOLDER = "/etc/slipway/gateway"
"""Where a model's pod behind a gateway mounts the key that passes are checked by."""
GATE_FILE = "public.pem"

CAPTURE_FOLDER = "/etc/slipway/capture"
"""Where a pod that keeps samples mounts the keys that they are encrypted by, and credentials of their store."""

FETCHING = "slipway_weights"
"""The package that fetches weights from a model store, in the init container of that name."""
FETCHING_FOLDER = "/opt/slipway/weights"
"""Where its code and its wheels are in a model's image."""
TRACES_FOLDER = "/opt/slipway/traces"
"""Wheels of what makes spans, in the images of environments whose requests are traced."""
FETCHING_CONTAINER = "weights"
FETCHING_VARIABLE = "SLIPWAY_WEIGHTS"
"""What it is to fetch, as JSON."""

IMAGE_PYTHON = "3.11"
"""Python of the base image; the server's wheels are chosen for it."""

IMAGE_PLATFORMS: Mapping[str, str] = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
"""Platform of the base image by architecture, as uv names it."""
