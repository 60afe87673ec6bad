"""Pin what the specs, manifests and images agree on: API versions, the port, the user of a pod."""

API_VERSION = "slipway/v1"

SERVER_PORT = 8080
"""The port that the model server listens on inside its pod."""

SERVICE_PORT = 80
"""The port of a model's Service."""

SERVER_USER = 65532
"""User and group of every process in a model's pod: `nonroot` of the distroless images, above 10000, so that it
is nobody on the node."""

PULUMI_KUBERNETES = "4.34.2"
"""Version of the pulumi-kubernetes plugin that the stacks ask for; that of the SDK in pyproject.toml."""

IMAGE_PYTHON = "3.11"
"""Python of the base image; the server's wheels are chosen for it."""

IMAGE_PLATFORM = "x86_64-manylinux_2_28"
"""Platform of the base image, as uv names it."""
