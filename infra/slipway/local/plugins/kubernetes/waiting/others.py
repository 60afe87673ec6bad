"""Judge what makes no pods but is not live at once: Service, Ingress, volumes, quotas, tokens, a bare Pod."""

from slipway.local.plugins.kubernetes.waiting import pods
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Related, Verdict, Waiting, name


def service(manifest: Manifest, related: Related) -> Verdict:
    """Whether its endpoints have settled with none that is not ready, and a load balancer has its address.

    One without any endpoint is ready too, once that has settled. Without a selector, headless, or as an external name
    it routes by itself or not at all.
    """
    spec = manifest.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not _ingress(manifest):
        return Waiting("the load balancer gets its address")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return Ready()
    own = [item for item in related.endpoints if name(item) == name(manifest)]
    if any(subset.get("notReadyAddresses") for item in own for subset in item.get("subsets") or []):
        return Waiting("pods that it selects are not ready yet")
    if related.settled or related.last_look:
        return Ready()
    return Waiting("its endpoints settle" if own else "it gets endpoints")


def _ingress(manifest: Manifest) -> bool:
    return bool(((manifest.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def ingress(manifest: Manifest, related: Related) -> Verdict:
    """Whether every service that it names has endpoints (or will not get any), and a controller gave it an address."""
    rules = (manifest.get("spec") or {}).get("rules") or []
    paths = [path for rule in rules for path in (rule.get("http") or {}).get("paths") or []]
    wanted = {(path.get("backend") or {}).get("service", {}).get("name", "") for path in paths} - {""}
    external = {name(item) for item in related.services if (item.get("spec") or {}).get("type") == "ExternalName"}
    missing = wanted - external - {name(item) for item in related.endpoints}
    if missing and not related.settled:
        return Waiting(f"the services {', '.join(sorted(missing))} get endpoints")
    return Ready() if _ingress(manifest) else Waiting("an ingress controller gives it an address")


def volume_claim(manifest: Manifest, related: Related) -> Verdict:
    """Whether it is bound, or will be as soon as a pod uses it."""
    if (manifest.get("status") or {}).get("phase") == "Bound":
        return Ready()
    reasons = {event.get("reason"): event.get("message", "") for event in related.events}
    if "WaitForFirstConsumer" in reasons:
        return Ready()
    told = reasons.get("ProvisioningFailed") or reasons.get("FailedBinding")
    return Waiting(f"a volume is bound to it: {told}" if told else "a volume is bound to it")


def volume(manifest: Manifest, _: Related) -> Verdict:
    """Whether it can be, or is, bound."""
    if (manifest.get("status") or {}).get("phase") in ("Available", "Bound"):
        return Ready()
    return Waiting((manifest.get("status") or {}).get("message") or "the volume becomes available")


def quota(manifest: Manifest, _: Related) -> Verdict:
    """Whether its controller has taken up its limits."""
    hard = (manifest.get("spec") or {}).get("hard")
    if hard is not None and hard == (manifest.get("status") or {}).get("hard"):
        return Ready()
    return Waiting("the quota's controller takes up its limits")


def token_secret(manifest: Manifest, _: Related) -> Verdict:
    """Whether a service account token was filled in; other secrets are ready at once."""
    if manifest.get("type") != "kubernetes.io/service-account-token" or manifest.get("data"):
        return Ready()
    return Waiting("the token of the service account is filled in")


def pod(manifest: Manifest, _: Related) -> Verdict:
    """Whether a bare pod is ready or has succeeded."""
    return pods.judge(manifest)
