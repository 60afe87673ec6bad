"""Judge what runs: whether it is what was deployed and judged, whether it is signed, and where it runs."""

from collections.abc import Iterator

from slipway.controls.evidence import Evidence, Looked
from slipway.controls.inputs import NOT_LIVE, Inputs
from slipway.controls.live import LiveState
from slipway.controls.objects import images
from slipway.deploy.record import Live
from slipway.environments.planning.kinds import planning
from slipway.plan.release import Release
from slipway.policy.resource import Resource
from slipway.values.names import short

_IMAGES = "spec.template.spec.containers[*].image"


def images_as_judged(inputs: Inputs) -> Looked:
    """Each container of a live model runs the image that the record of its judged release names."""
    if isinstance(inputs.live, str):
        return Looked()  # said where the rules are checked
    evidence, gaps = [], []
    for deployment in inputs.live.of("Deployment"):
        model = inputs.live.models.get(deployment.name)
        if model is None:
            continue
        found = _compared(inputs.live, model, deployment)
        if isinstance(found, str):
            gaps.append(found)
        else:
            evidence += found
    return Looked(tuple(evidence), tuple(gaps))


def _compared(live: LiveState, model: Live, deployment: Resource) -> list[Evidence] | str:
    """One piece of evidence for each container that the record has, or why there is nothing to hold it against."""
    record = live.records.get(model.model)
    if not isinstance(record, Release):
        return f"{model.model}: no record says which image was judged: {record or 'it was never judged right'}"
    if short(record.digest) != model.release:
        return f"{model.model}: release {model.release} runs, and the record is of release {short(record.digest)}"
    there = images(deployment)
    found = []
    for name, image in _recorded(record).items():
        now = there.get(name)
        says = f"container {name}: {now}, as judged" if now == image else f"container {name}: {now}; judged was {image}"
        found.append(Evidence("live", f"Deployment {model.model}", _IMAGES, says, now == image))
    for name in there.keys() - _recorded(record).keys():
        says = f"container {name}: {there[name]}; the judged release has no such container"
        found.append(Evidence("live", f"Deployment {model.model}", _IMAGES, says, holds=False))
    return found


def _recorded(record: Release) -> dict[str, str]:
    for manifest in record.manifests:
        if manifest["kind"] == "Deployment":
            return images(Resource("kubernetes:recorded:Deployment", record.model, manifest))
    return {}


def verified(inputs: Inputs) -> Looked:
    """Each live model serves the release that was judged right last, and nobody changed its pods since."""
    if isinstance(inputs.live, str):
        how = "`slipway up` judges each release by its answers before it serves alone"
        evidence = tuple(Evidence("plan", f"model {one.name}", "check", how) for one in inputs.plan.models)
        return Looked(evidence, (NOT_LIVE,))
    return Looked(tuple(map(_judged, inputs.live.models.values())), () if inputs.live.models else ("no model is live",))


def _judged(model: Live) -> Evidence:
    what, field = f"Deployment {model.model}", "metadata.labels[slipway.dev/verified]"
    if model.verified != model.release:
        return Evidence("live", what, field, f"release {model.release} runs and was not judged right", holds=False)
    if model.touched:
        text = f"release {model.release} was judged right, and its pods were changed by others since"
        return Evidence("live", what, field, text, holds=False)
    return Evidence("live", what, field, f"release {model.release} was judged right")


def signatures(inputs: Inputs) -> Looked:
    """Each live image has the signature that the settings ask for, and unsigned ones are refused."""
    signing = inputs.plan.settings.signing
    at = f"Pulumi.{inputs.plan.environment}.yaml"
    if signing is None:
        return Looked(absent="settings have no `signing`: nothing is signed or verified")
    if not signing.required:
        return Looked(absent="signing.required is false: what has no signature is told of, and runs")
    evidence = [Evidence("settings", at, "signing", f"required, by key {signing.key}")]
    for name, one in sorted(inputs.signatures.items()):
        says = f"{one.image} is signed" if one.problem is None else f"{one.image}: {one.problem}"
        evidence.append(Evidence("live", f"Deployment {name}", _IMAGES, says, one.problem is None))
    return Looked(tuple(evidence), tuple(_unsigned(inputs)))


def _unsigned(inputs: Inputs) -> Iterator[str]:
    if isinstance(inputs.live, str):
        yield NOT_LIVE
        return
    for name in sorted(inputs.live.models.keys() - inputs.signatures.keys()):
        yield f"{name}: what its signature has to say is known only of the release that is planned, and another runs"


def residency(inputs: Inputs) -> Looked:
    """Each model that is bound to a region is planned, stored and run there."""
    bound = [model for model in inputs.plan.models if model.spec.data is not None]
    if not bound:
        return Looked(absent="no spec has `data.region`: no model is bound to a region")
    here, evidence, gaps = planning(inputs.plan.settings).region, [], list[str]()
    live = inputs.live if not isinstance(inputs.live, str) else None
    for model in bound:
        region = model.spec.data.region if model.spec.data else ""
        for field, found in (("pool " + model.pool.name, model.pool.region), ("model store", here)):
            says = f"{found or 'no known region'}; bound to {region}"
            evidence.append(Evidence("plan", f"model {model.name}", field, says, found == region))
        if live is None or live.regions is None or not live.regions.get(model.name):
            gaps.append(f"{model.name}: the region of the nodes that its pods run on could not be read")
            continue
        there = live.regions[model.name]
        says = f"{', '.join(sorted(there))}; bound to {region}"
        evidence.append(Evidence("live", f"pods of {model.name}", "spec.nodeName", says, there == {region}))
    return Looked(tuple(evidence), tuple(gaps))
