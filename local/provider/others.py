"""Judge what makes no pods but is not live at once: Service, Ingress, volumes, Namespace, definitions of kinds."""

from . import pods
from .verdict import Failed, Manifest, Ready, Related, Verdict, Waiting, condition

VOLUME_S = 8.0
SERVICE_S = 2.0


def service(manifest: Manifest, related: Related) -> Verdict:
    """Whether a request to the service would reach a pod, and a load balancer has its address.

    Without a selector, or headless, or as an external name it routes by itself or not at all: ready at once.
    """
    spec = manifest.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not _ingress(manifest):
        return Waiting("the load balancer gets its address")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return Ready()
    if any(_serves(endpoint) for piece in related.slices for endpoint in piece.get("endpoints") or []):
        return Ready()
    troubles = [verdict for pod in related.pods if isinstance(verdict := pods.judge(pod), Failed)]
    if related.pods and len(troubles) == len(related.pods):
        worst = min(troubles, key=lambda trouble: trouble.after_s)
        return Failed(
            f"no pod serves it: {worst.reason}", worst.code, max(SERVICE_S, worst.after_s), evidence=worst.evidence
        )
    if not related.pods:
        return Waiting("no pod matches its selector yet")
    return Waiting("none of the pods that it selects is ready yet")


def _serves(endpoint: Manifest) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False and bool(endpoint.get("addresses"))


def _ingress(manifest: Manifest) -> bool:
    return bool(((manifest.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def ingress(manifest: Manifest, _: Related) -> Verdict:
    """Whether a controller gave it an address."""
    return Ready() if _ingress(manifest) else Waiting("an ingress controller gives it an address")


def volume_claim(manifest: Manifest, related: Related) -> Verdict:
    """Whether it is bound, or will be as soon as a pod uses it."""
    phase = (manifest.get("status") or {}).get("phase")
    if phase == "Bound":
        return Ready()
    if phase == "Lost":
        return Failed("its volume is lost", "lost")
    for event in reversed(related.events):
        reason, message = event.get("reason"), event.get("message", "")
        if reason == "WaitForFirstConsumer":
            return Ready()
        if reason in ("ProvisioningFailed", "FailedBinding"):
            return Failed(f"no volume for it: {message}", "unbound", VOLUME_S)
    return Waiting("a volume is bound to it")


def volume(manifest: Manifest, _: Related) -> Verdict:
    """Whether it can be, or is, bound."""
    phase = (manifest.get("status") or {}).get("phase")
    if phase in ("Available", "Bound"):
        return Ready()
    if phase == "Failed":
        return Failed((manifest.get("status") or {}).get("message") or "the volume failed", "failed")
    return Waiting("the volume becomes available")


def namespace(manifest: Manifest, _: Related) -> Verdict:
    """Whether it is not on its way out."""
    if (manifest.get("status") or {}).get("phase") == "Terminating":
        return Waiting("a previous namespace of this name goes away")
    return Ready()


def definition(manifest: Manifest, _: Related) -> Verdict:
    """Whether the API server serves the kind that a CustomResourceDefinition defines."""
    names = condition(manifest, "NamesAccepted")
    if names.get("status") == "False" and names.get("reason") not in (None, "NotAccepted"):
        return Failed(f"its names are taken: {names.get('message', '')}", "names", VOLUME_S)
    if condition(manifest, "Established").get("status") == "True":
        return Ready()
    return Waiting("the API server takes up the new kind")


def token_secret(manifest: Manifest, _: Related) -> Verdict:
    """Whether a service account token was filled in; other secrets are ready at once."""
    if manifest.get("type") != "kubernetes.io/service-account-token" or (manifest.get("data") or {}).get("token"):
        return Ready()
    return Waiting("the token of the service account is filled in")


def pod(manifest: Manifest, _: Related) -> Verdict:
    """Whether a bare pod serves or has succeeded."""
    return pods.judge(manifest)
