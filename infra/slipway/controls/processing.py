"""Draft the record of processing activities (GDPR Art. 30(1)) as far as specs and settings say it.

Slipway does not know what a request means: whether it is about a person, and why it is processed, people say. What it
knows is where requests go, what is written down of them, for how long, and who may reach it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.controls.inputs import Inputs
from slipway.controls.kept import prediction_days
from slipway.environments.planning.kinds import planning
from slipway.plan.model import ModelPlan, Plan
from slipway.spec.capture import KEEPS
from slipway.spec.model import ModelSpec
from slipway.values import names
from slipway.values.percentages import format_percentage

UNKNOWN = "not known here: fill it in"
_INPUTS = ("image", "text", "hook")
_CALLERS = {
    "api-key": "clients with a key for it, through the gateway",
    "oidc": "clients with a token, through the gateway",
    "none": "anybody, through the gateway",
}
_UNTIL_ANSWERED = "in memory, until the call is answered"
ASKED_OF_PEOPLE = (
    "the controller, its representative and data protection officer, and how to reach them (Art. 30(1)(a))",
    "whether requests are about people, which people, and what about them (Art. 30(1)(c))",
    "the legal basis of the processing (Art. 6), and whether an assessment is needed (Art. 35)",
    "whether a recipient or a region is in a third country, and what allows the transfer (Art. 30(1)(e))",
)
"""What no file of the project says and the record has to."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is written down: what of whom, where, for how long, and who may reach it."""

    what: str
    where: str
    how_long: str
    who: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"what": self.what, "where": self.where, "howLong": self.how_long, "who": self.who}


@dataclass(frozen=True, slots=True)
class Processing:
    """What one model processes.

    Attributes:
        model: its name.
        owner: who answers for it.
        purpose: as its spec describes it.
        data: what requests are, as far as the spec says.
        where: where they are processed.
        callers: who may send them.
        recipients: where its pods may send something, beside the answer.
        kept: what is written down of them.
        unknown: what cannot be said of this model.
    """

    model: str
    owner: str
    purpose: str
    data: str
    where: str
    callers: str
    recipients: str
    kept: tuple[Kept, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "model": self.model,
            "owner": self.owner,
            "purpose": self.purpose,
            "data": self.data,
            "where": self.where,
            "callers": self.callers,
            "recipients": self.recipients,
            "kept": [one.to_json() for one in self.kept],
            "unknown": list(self.unknown),
        }


def processing_record(inputs: Inputs) -> tuple[Processing, ...]:
    """One entry for each model of the plan, by name."""
    return tuple(_of(inputs, model) for model in inputs.plan.models)


def kept_of_clients(inputs: Inputs) -> tuple[Kept, ...]:
    """What an environment with a gateway writes down of those who call its models, whichever they are."""
    if not inputs.has_gateway:
        return ()
    where, who = _database(inputs.plan), _admins(inputs)
    return (
        Kept("names of keys, as `slipway keys create` was given them", where, "until somebody deletes them", who),
        Kept("requests for access: name and contact", where, "30 days; 14 after they were decided", who),
        Kept("ledger: key, model, time, status and size of each call", where, "until somebody deletes it", who),
        Kept("calls of each account by hours", where, "9 days", who),
    )


def _of(inputs: Inputs, model: ModelPlan) -> Processing:
    spec, own = model.spec, model.spec.own_server is not None
    region = model.pool.region or UNKNOWN
    return Processing(
        model=model.name,
        owner=spec.owner,
        purpose=spec.description or UNKNOWN,
        data=_data(spec),
        where=f"{inputs.custody.home}; namespace {model.namespace}, pool {model.pool.name}; region: {region}",
        callers=_callers(inputs, model),
        recipients=_recipients(model),
        kept=(*_requests(model), *_samples(model), *_predictions(inputs, model), *_counts(spec)),
        unknown=("what an image with its own server writes down or sends is not known here",) if own else (),
    )


def _data(spec: ModelSpec) -> str:
    kinds = [kind for kind in _INPUTS if spec.input is not None and getattr(spec.input, kind) is not None]
    if spec.llama is not None:
        return "chats: text"
    return f"requests with {' or '.join(kinds)}, or tensors" if kinds else "requests with tensors"


def _callers(inputs: Inputs, model: ModelPlan) -> str:
    if model.traffic is not None:
        return _CALLERS[model.traffic.auth]
    if inputs.has_gateway:
        return "pods with a pass, inside the cluster: no route of the gateway leads to it"
    return f"whoever reaches its Service of type {model.service_type}: it asks for no key"


def _recipients(model: ModelPlan) -> str:
    spec = model.spec
    named = [f"{one.host or one.cidr}:{one.port}" for one in spec.egress]
    named += [f"model {name}" for name in spec.pipeline.models] if spec.pipeline is not None else []
    if model.monitoring is not None and model.monitoring.tracing is not None and spec.own_server is None:
        named.append(f"spans of requests, without what was asked: {model.monitoring.tracing.host}")
    return ", ".join(named) or "nobody: its NetworkPolicy lets nothing out but weights that are fetched"


def _requests(model: ModelPlan) -> Iterator[Kept]:
    if model.spec.own_server is None:
        who = "nobody: they are written nowhere" + (", but for the samples" if model.samples is not None else "")
        yield Kept("requests and answers", "the model's pods", _UNTIL_ANSWERED, who)


def _samples(model: ModelPlan) -> Iterator[Kept]:
    if model.samples is None:
        return
    written = model.samples.written
    fields = ", ".join(written.fields) or "all inputs and outputs"
    but = f", never {', '.join(written.redact)}" if written.redact else ""
    yield Kept(
        f"samples: by chance {format_percentage(written.share)} of requests with their answers: {fields}{but}",
        f"the model store, bucket {model.samples.store.bucket}, encrypted by whom they are about",
        f"{KEEPS[written.keep]} days, then deleted by a rule of the bucket or `slipway erase --expired`",
        f"whoever may read Secret {names.CAPTURE_KEYS} and the bucket: `slipway export` and `slipway erase`",
    )


def _counts(spec: ModelSpec) -> Iterator[Kept]:
    if spec.drift is not None:
        what = "how many calls fell into each bin of each feature; of a single call nothing"
        yield Kept(what, "the metrics of the model's pods", "as long as Prometheus keeps them", "who reads its metrics")


def _predictions(inputs: Inputs, model: ModelPlan) -> Iterator[Kept]:
    quality = model.spec.quality
    if quality is not None:
        what = "of each answer: the request's id, the version, what was predicted, feedback on it"
        how_long = f"{prediction_days(quality)} days; in backups as long as those"
        yield Kept(what, _database(inputs.plan), how_long, f"keys with the role feedback; {_admins(inputs)}")


def _database(plan: Plan) -> str:
    here = planning(plan.settings)
    inside = here.gateway is not None and here.gateway.database is not None
    return f"the database of keys and ledger ({'in the cluster' if inside else here.custody.home})"


def _admins(inputs: Inputs) -> str:
    named = inputs.custody.administrators
    return ", ".join(named) if named is not None else "whoever may administer the cluster or the database: " + UNKNOWN
