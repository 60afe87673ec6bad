"""Validate one spec as it is served somewhere, and all that it names: the weights and the golden request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway_server.values.errors import BadRequest

from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import CHECK_LIMIT, refuse_larger
from slipway.artifacts.memory import GRPC_BYTES
from slipway.artifacts.onnx import Artifact, Found
from slipway.errors.base import FileRefused, UserError, WrongValue, nearest
from slipway.loading.adapters import with_adapters
from slipway.loading.around import around
from slipway.loading.custom import OwnImage, own_image, own_image_of_others
from slipway.loading.fetched import fetch_weights, unused
from slipway.loading.locks import Locks
from slipway.loading.pipelines import Members, composed, in_place_of_weights
from slipway.lockfile.files import Locked
from slipway.pipeline.compose import Composed
from slipway.reading.files import BadFile
from slipway.reading.findings import Locate, validated
from slipway.reading.yaml_document import FieldPath
from slipway.runtimes.registry import RUNTIMES
from slipway.sources.store import Store
from slipway.spec.model import ModelSpec
from slipway.values.quantities import compact_json, format_bytes


@dataclass(frozen=True, slots=True)
class Variant:
    """What is served in an environment: the merged spec, its weights, the body of its golden request.

    Attributes:
        written: the spec as it stands in the file, merged, before anything was parsed or added to it.
        locked: the lock that the weights are known by, whose bytes nobody has read; they may not be on this machine.
        pipeline: of a model that has no weights but asks others; its artifact has no files then.
        random: names of operators whose output differs each time, those of a pipeline's models included.
        around: what stands before and after the model, if anything does.
        own: of a model whose image brings its own server; its artifact has the weights that are given beside it.
    """

    spec: ModelSpec
    artifact: Artifact
    request: Any
    written: Mapping[str, Any]
    locked: Locked | None = None
    pipeline: Composed | None = None
    random: tuple[str, ...] = ()
    around: Around | None = None
    own: OwnImage | None = None

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured of the weights, as their lock has it; nothing without a lock."""
        return {} if self.locked is None else self.locked.lock.served.metrics


def variant(
    value: Any, locks: Locks, locate: Locate, found: list[UserError], store: Store, members: Members | None = None
) -> Variant | None:
    """Validate a spec and what it names; None when `found` got something that stands in the way.

    Args:
        value: the spec as it is written, merged for an environment.
        locks: the locks of its file.
        locate: where its values are written.
        found: gets what is wrong.
        store: where weights come from that are not in the repository.
        members: what a pipeline may ask.
    """
    spec = validated(ModelSpec, value, locate, found)
    if spec is None:
        return None
    try:
        locked, whole, own = None, None, None
        if spec.custom is not None:
            own = own_image(spec.custom, locks.root, locate, found)
            weights = None if own is None else _of_own_image(spec, own, locks.root, locate, found, store)
        elif spec.pipeline is not None:
            whole = composed(spec.pipeline, members or {}, locate, found)
            weights = None if whole is None else in_place_of_weights(whole, spec.pipeline, members or {})
        else:
            own = own_image_of_others(spec)
            before = len(found)
            locked = locks.find(spec, locate, found)
            if len(found) > before:
                return None
            if locked is not None:
                locked = replace(locked, offline=store.offline)
            weights = (
                locked.lock.found(store.cache.place) if locked else _weights(spec, locks.root, locate, found, store)
            )
        if weights is None:
            return None
        little = list(_too_little_memory(spec, weights.size, locate))
        found += little
        served = _with_max_body(spec, weights)
        misfits = len(found)
        beside = around(served, weights.signature, locks.root, locate, found)
        # Without the steps that the spec asks for, nothing can be said about a request.
        request = golden_body(served, weights, locks.root, locate, found, beside) if len(found) == misfits else None
        found += _unjudgeable(spec, weights, locate)
        # Not before it fits: every byte of it is read.
        written = {key: text for key, text in value.items() if key != "environments"}
        asked = (spec.input, spec.output, spec.quality, spec.capture)
        lacking = beside is None and any(one is not None for one in asked)
        if little or lacking:
            return None
        artifact = _artifact(spec, weights, own)
        return Variant(served, artifact, request, written, locked, whole, weights.random, beside, own)
    except BadFile as error:
        place, field = locate(("artifact", "source"))
        source = spec.weights.source
        found.append(WrongValue(place, field, source, error.problem, error.allowed, error.todo))
        return None


def _of_own_image(
    spec: ModelSpec, own: OwnImage, root: Path, locate: Locate, found: list[UserError], store: Store
) -> Found | None:
    """The weights of an image with its own server, or what stands in their place."""
    return own.without_weights() if spec.artifact is None else _weights(spec, root, locate, found, store)


def _artifact(spec: ModelSpec, weights: Found, own: OwnImage | None) -> Artifact:
    """What is served, every byte of it read; a pipeline, and an image that has its weights inside, have no files."""
    if own is not None:
        return own.around(weights.digested() if spec.artifact is not None else None)
    if spec.pipeline is not None:
        return Artifact((), 0, weights.onnx.sha256, weights.signature, None)
    return weights.digested()


def _weights(spec: ModelSpec, root: Path, locate: Locate, found: list[UserError], store: Store) -> Found | None:
    """The weights, in the repository or fetched; None when `found` got why they are not there. Raises `BadFile`."""
    runtime, artifact = RUNTIMES[spec.runtime], spec.weights
    if artifact.address is None:
        weights = with_adapters(runtime.find_weights(root / artifact.source, root), spec, root, locate, found)
        if artifact.sha256 not in (None, weights.onnx.sha256):
            place, field = locate(("artifact", "sha256"))
            problem = f"is not the file in the repository, which has the sha256 {weights.onnx.sha256}"
            todo = "write that digest if the file is the right one, or leave sha256 out"
            found.append(WrongValue(place, field, artifact.sha256, problem, "the sha256 of the file", todo))
            return None
        return weights
    there = fetch_weights(artifact, store, locate, found)
    if there is None:
        return None
    weights = runtime.find_weights(there[0], store.root, there[1])
    left = list(unused(artifact, set(weights.external), locate))
    found += left
    return None if left else weights


def _with_max_body(spec: ModelSpec, weights: Found) -> ModelSpec:
    """The spec with the largest body that follows from its memory, when it names none."""
    if spec.endpoint.max_body is not None:
        return spec
    memory = spec.resources.memory - _of_protocols(spec)
    max_body = RUNTIMES[spec.runtime].default_max_body(memory, weights.size)
    return spec.model_copy(update={"endpoint": spec.endpoint.model_copy(update={"max_body": max_body})})


def _of_protocols(spec: ModelSpec) -> int:
    """Bytes that a replica needs for what it speaks beside HTTP."""
    return GRPC_BYTES if spec.endpoint.grpc else 0


def _too_little_memory(spec: ModelSpec, weights: int, locate: Locate) -> Iterator[UserError]:
    runtime = RUNTIMES[spec.runtime]
    beside = _of_protocols(spec)
    needed = runtime.needed_memory(weights) + beside
    memory = spec.resources.memory
    if memory < needed:
        mebi = -(-needed // 2**20)
        size = f"{weights / 2**20:.1f}Mi" if weights >= 2**20 else f"{weights} bytes"
        why = f"is less than the artifact of {size} alone" if memory < weights else "is too little"
        what = f"load {spec.artifact.source} ({size})" if spec.artifact is not None else "run"
        problem = f"{why}: a replica needs {mebi}Mi to {what}"
        place, field = locate(("resources", "memory"))
        written = format_bytes(memory)
        yield WrongValue(place, field, written, problem, f"at least {mebi}Mi", f"write {mebi}Mi or more")
        return
    max_body = spec.endpoint.max_body or runtime.body_least
    if max_body > runtime.body_least and memory < (needed := runtime.needed_memory(weights, max_body) + beside):
        carried = format_bytes(runtime.carried_body(memory - beside, weights))
        place, field = locate(("endpoint", "max_body"))
        problem = f"is more than resources.memory of {format_bytes(memory)} allows"
        todo = f"write {carried} or less, leave it out, or raise resources.memory to {-(-needed // 2**20)}Mi"
        yield WrongValue(place, field, format_bytes(max_body), problem, f"at most {carried}", todo)


def _unjudgeable(spec: ModelSpec, weights: Found, locate: Locate) -> Iterator[UserError]:
    """Where answers of two releases are to be compared that the model does not have, or that are left to chance."""
    judge = spec.rollout.judge
    if judge.agreement is not None and weights.random:
        place, field = locate(("rollout", "judge", "agreement"))
        random = ", ".join(weights.random)
        what = spec.artifact.source if spec.artifact is not None else "one of its models"
        problem = f"cannot be judged: {what} contains {random}, so that no two answers are alike"
        allowed = "agreement for a model without random operators"
        yield WrongValue(place, field, judge.agreement, problem, allowed, "remove agreement, or what is random")
    known = [tensor.name for tensor in weights.signature.outputs]
    for index, name in enumerate(judge.outputs or ()):
        if name not in known:
            place, field = locate(("rollout", "judge", "outputs", index))
            near = nearest(name, known)
            todo = f"write {near}" if near else f"write for example {known[0]}"
            yield WrongValue(place, field, name, "is no output of the model", ", ".join(known), todo)


def golden_body(
    spec: ModelSpec,
    weights: Found,
    root: Path,
    locate: Locate,
    found: list[UserError],
    beside: Around | None = None,
) -> Any:
    """The body of the golden request; None after adding to `found` why it does not fit the weights.

    `beside`: what stands before and after the model.
    """
    at: FieldPath = ("check", "request")
    request = spec.check.request
    try:
        runtime = RUNTIMES[spec.runtime]
        body = runtime.read_golden(root / request, request, weights, root, beside)
        at = ("check", "expect")
        runtime.check_expectation(spec.check.expect, weights.signature)
        at = ("check", "request")
        size = len(compact_json({"request": body, "expect": spec.check.expect}).encode())
        if size > CHECK_LIMIT:
            allowed = f"{format_bytes(CHECK_LIMIT)}, of the 1Mi that a ConfigMap holds"
            raise BadRequest("body", f"takes {size} bytes together with the expected answer, as JSON", allowed)
        if spec.endpoint.max_body is not None:  # else what follows from the memory, which has room for it
            refuse_larger(body, spec.endpoint.max_body)
        return body
    except FileRefused as error:
        place, field = locate(at)
        found.append(WrongValue(place, field, request, error.problem, error.allowed, error.todo))
    except BadRequest as error:
        place, field = locate(at)
        value = request if at[-1] == "request" else spec.check.expect
        todo = "correct the request" if at[-1] == "request" else "correct the expectation"
        problem = f"does not fit the model: `{error.field}` {error.problem}"
        found.append(WrongValue(place, field, value, problem, error.allowed, todo))
    return None
