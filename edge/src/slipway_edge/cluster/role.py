"""What somebody with more rights applies once: a namespace, and an account that may do what the agent does, no more."""

from importlib import resources

_PLACE = "NAMESPACE"


def role(namespace: str) -> str:
    """Manifests for `kubectl apply`, in YAML. Without the token: Kubernetes makes it."""
    return resources.files(__package__).joinpath("role.yaml").read_text().replace(_PLACE, namespace)
