"""Run `batch`: begin a Job or go on with it, follow it, bring its results, and clean up."""

import os
from dataclasses import dataclass
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from slipway import console
from slipway.batches.errors import BatchFailed, BatchRefused
from slipway.batches.following import Progress, follow, until_gone
from slipway.batches.given import Batch, Input, read_input, read_output
from slipway.batches.objects import beside, config_map_of, job, work
from slipway.batches.results import claim, fetch, is_here
from slipway.batches.rows import check_first_rows
from slipway.batches.store import BatchStore
from slipway.cluster.api import Cluster
from slipway.cluster.pod_trouble import condition
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.errors.base import WrongValue
from slipway.errors.failures import NotUpYet
from slipway.plan.model import ModelPlan
from slipway.runtimes.registry import RUNTIMES
from slipway.values import names
from slipway.values.aliases import Json
from slipway.values.names import RELEASE_LABEL, short

_FOLDER = "batch"
_PARTS = "part-"
_ROWS_BY = "/predict"
"""What answers rows over HTTP answers them out of files, too."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked for. `parts`: None for as many as fit the input. `parallel`: pods at once."""

    parts: int | None
    parallel: int
    detach: bool


class _Run:
    """One batch, its cluster and its store."""

    def __init__(self, context: EnvironmentContext, model: str, source: str, target: str, parts: int | None) -> None:
        (self.plan,) = context.models([model])
        refuse_model(context, self.plan)
        self.store = _store(context, self.plan)
        given, output = read_input(source, self.store), read_output(target, self.store)
        deployment = context.cluster.read("Deployment", model)
        if deployment is None:
            raise NotUpYet(context.name, f"model {model} is not there")
        self.context, self.deployment = context, deployment
        live = str(deployment["spec"]["template"]["metadata"]["labels"].get(RELEASE_LABEL, ""))
        self.as_planned = live == short(self.plan.release_digest)
        root = "/".join(filter(None, (self.store.store.prefix, _FOLDER)))
        self.batch = Batch(model, live, given, output, min(parts or given.parts, max(1, given.size)), root)
        self.name = names.batch(model, self.batch.id)

    @property
    def cluster(self) -> Cluster:
        return self.context.cluster

    @property
    def job(self) -> Json | None:
        return self.cluster.read("Job", self.name)

    @property
    def there(self) -> set[int]:
        """Numbers of the parts that the store has."""
        found = self.store.names(self.batch.results)
        return {int(one[len(_PARTS) :].split(".")[0]) for one in found if one.startswith(_PARTS)}


def run_batch(context: EnvironmentContext, model: str, source: str, target: str, options: Options) -> None:
    """Run a model over a file, from where an earlier run of the same command was.

    Raises:
        BatchRefused: the input or the place of the results cannot be used.
        BatchFailed, BatchGone: the Job failed, or was deleted meanwhile.
        StoreFailed: the model store.
    """
    run = _Run(context, model, source, target, options.parts)
    if not is_here(run.batch):
        _check_rows(run)
        claim(run.batch, run.store)
        if run.store.head(run.batch.done_key) is None:
            _begin(run, options.parallel)
            if options.detach:
                console.message(f"Job {run.name} runs; the same command follows it, --status looks at it once")
                return
            _follow(run)
    _conclude(run)


def show_status(context: EnvironmentContext, model: str, source: str, target: str, parts: int | None) -> None:
    """Print how far a batch is; raises as `run_batch`, and `BatchFailed` for a Job that failed."""
    run = _Run(context, model, source, target, parts)
    there = run.there
    if is_here(run.batch) or run.store.head(run.batch.done_key) is not None:
        console.result(f"{model}: all parts are there; the same command without --status brings them and cleans up")
        return
    found = run.job
    state = "runs" if found is not None else "there is no Job: the same command without --status begins or goes on"
    if found is not None and condition(found, "Failed").get("status") == "True":
        failed = condition(found, "Failed")
        raise BatchFailed(run.name, f"{failed.get('reason')}: {failed.get('message')}", "run the same command again")
    console.result(f"{model}: {len(there)} of at most {run.batch.parts} parts are there; {state}")


def cancel(context: EnvironmentContext, model: str, source: str, target: str, parts: int | None) -> None:
    """End a batch and delete what travelled for it; objects that the person named stay. Raises as `run_batch`."""
    run = _Run(context, model, source, target, parts)
    there = run.job is not None
    run.cluster.delete("Job", run.name)
    run.store.delete(run.batch.folder)
    console.result(f"{model}: {'cancelled' if there else 'no Job was running'}; what travelled for it is deleted")


def refuse_model(context: EnvironmentContext, plan: ModelPlan) -> None:
    """Raise `UserError` for a model whose image has no program for batches."""
    spec = plan.spec
    if spec.pipeline is not None:
        place, field = context.spec_place(plan.name, ("pipeline",))
        allowed, todo = "a model with weights of its own", "run a batch of each of the models that it asks"
        raise WrongValue(place, field, None, "a pipeline has no model of its own", allowed, todo)
    if spec.custom is not None or RUNTIMES[spec.runtime].predict_path != _ROWS_BY:
        place, field = context.spec_place(plan.name, ("runtime",))
        problem = "has no program for batches in its image"
        todo = "call the model, or run a Job of your own"
        raise WrongValue(
            place, field, spec.runtime, problem, "a runtime of Slipway's own server, for models of rows", todo
        )


def _store(context: EnvironmentContext, plan: ModelPlan) -> BatchStore:
    here = planning(context.settings)
    place, field = context.file.locate(("kind",))
    if not here.runs_batches:
        todo = "run a Job by hand (docs/how-to/batch.md), or use an environment of kind kubernetes"
        problem = "batches do not run yet in environments of this kind"
        raise WrongValue(place, field, None, problem, "an environment of kind kubernetes", todo)
    store = here.model_store(context.name, plan.name)
    if store is None:
        todo = "add model_store to the settings (docs/how-to/large-weights.md)"
        problem = "the environment has no model store, through which input and results travel"
        raise WrongValue(place, "model_store", None, problem, "a bucket that pods reach", todo)
    return BatchStore(store)


def _check_rows(run: _Run) -> None:
    if not run.as_planned:
        console.message(
            f"{run.plan.name}: release {run.batch.release} is live, not that of the files: its pods check the rows"
        )
        return
    (loaded,) = run.context.specs([run.plan])
    with run.batch.input.open(run.store) as file:
        check_first_rows(file, run.batch.input.shown, run.batch.input.suffix, loaded.variant(run.context.name))


def _begin(run: _Run, parallel: int) -> None:
    """Have a Job that works: the one that is there, or a new one at the parts that are missing."""
    found = run.job
    if found is not None:
        ended = any(condition(found, kind).get("status") == "True" for kind in ("Complete", "Failed"))
        if not ended and not found["spec"].get("suspend"):
            return
        # One that ended, or whose run ended before it was let go.
        run.cluster.delete("Job", run.name)
        until_gone(run.cluster, run.name)
    batch, store = run.batch, run.store
    _upload(run, batch.input)
    there = store.head(batch.input_key)
    if there is None or there.size != batch.input.size:
        raise BatchRefused(batch.input.shown, "changed meanwhile", "an input that stays as it is", "run it again")
    config = run.cluster.read("ConfigMap", config_map_of(run.deployment))
    if config is None:
        raise NotUpYet(run.context.name, f"model {batch.model} is being replaced")
    keys = [*(f"{batch.results}/{batch.part(number)}" for number in range(batch.parts)), batch.done_key]
    (get,) = store.signed("GET", [batch.input_key])
    said = work(
        batch, there.tag, get, store.signed("HEAD", keys), store.signed("PUT", keys), parallel, _authority(store)
    )
    made = run.cluster.create(job(batch, run.deployment, parallel))
    made |= {"apiVersion": "batch/v1", "kind": "Job"}
    for one in beside(made, batch, store.store, config["data"], said):
        run.cluster.delete(one["kind"], one["metadata"]["name"])
        run.cluster.create(one)
    go = {"spec": {"suspend": False}}
    path = run.cluster.url("Job", run.name)
    run.cluster.request("PATCH", path, body=go, content_type="application/merge-patch+json")


def _upload(run: _Run, given: Input) -> None:
    if given.path is None:
        return
    there = run.store.head(run.batch.input_key)
    if there is not None and there.size == given.size:
        return
    with console.Progress() as progress:
        run.store.upload(
            given.path,
            run.batch.input_key,
            lambda read: progress.report(given.shown, f"{read * 10 // given.size * 10} % uploaded"),
        )


def _authority(store: BatchStore) -> bytes | None:
    """Certificates of those who may vouch for the store: the image has none."""
    if (store.store.endpoint or "https://").startswith("http://"):
        return None
    return Path(os.environ.get("SSL_CERT_FILE") or DEFAULT_CA_BUNDLE_PATH).read_bytes()


def _follow(run: _Run) -> None:
    try:
        with console.Progress() as progress:
            follow(
                run.cluster,
                run.batch,
                run.plan.spec.owner,
                Progress(run.there),
                lambda text: progress.report(run.batch.model, text),
            )
    except KeyboardInterrupt:
        console.message(f"Job {run.name} goes on; the same command follows it, --status looks at it, --cancel ends it")
        raise


def _conclude(run: _Run) -> None:
    batch = run.batch
    with console.Progress() as progress:
        refused = fetch(batch, run.store, progress) if not is_here(batch) else 0
    run.cluster.delete("Job", run.name)
    run.store.delete(batch.folder)
    more = f", {refused} rows refused" if refused else ""
    console.result(f"{batch.model}: all parts are in {batch.output.shown}{more}")
