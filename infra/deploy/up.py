"""Bring models of an environment to what their specs say, side by side, and judge each of them.

A model that is already there is not touched. One whose new release does not come up, or answers wrongly, gets
back what served before; when nothing did, what was half made is taken away.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from infra.cluster import Cluster
from infra.deploy.engine import Engine
from infra.deploy.language_server import Program
from infra.deploy.model_lock import ModelLock
from infra.deploy.pods import stage
from infra.deploy.record import Live, live_of, save
from infra.deploy.release import Release
from infra.deploy.restorable import Owner, restorable
from infra.deploy.strays import remove_strays
from infra.errors import DeployError, SlipwayError
from infra.failures import Interrupted, WrongAnswer
from infra.names import MANAGED_BY, stack
from infra.plan import ModelPlan
from infra.render import render_model
from infra.verify import Verdict, verify

Report = Callable[[str, str], None]
_POLL_S = 1.0


@dataclass(frozen=True)
class Programs:
    """What the stacks run: a model from its plan, or a release as it once was."""

    model: Callable[[ModelPlan, Callable[[str], None]], Program]
    release: Callable[[str, Release], Program]


@dataclass
class Done:
    """What became of one model. `error` is set when it failed; `steps` are seconds by step."""

    model: str
    version: str
    unchanged: bool = False
    verdict: Verdict | None = None
    error: SlipwayError | None = None
    restored: str | None = None
    steps: dict[str, float] = field(default_factory=dict)


def needs_update(model: ModelPlan, live: Live | None) -> bool:
    """Whether the release that is live, judged and serving is another than the planned one."""
    return live is None or not live.settled or live.release != model.release


@dataclass(frozen=True)
class Deployer:
    """Deploys models of one environment.

    `report` gets a model and what it does. `jobs`: how many at once. `settle` gets a stack before it is updated, and a
    function that tells what it does. `refresh`: look at what is really there before an update.
    """

    environment: str
    cluster: Cluster
    engine: Engine
    programs: Programs
    report: Report
    cancelled: threading.Event
    jobs: int
    settle: Callable[[str, Callable[[str], None]], object]
    refresh: bool
    _settled: set[str] = field(default_factory=set)

    def deploy(self, models: Sequence[ModelPlan], live: dict[str, Live]) -> list[Done]:
        """Deploy all; one that fails does not stop the others. In the order given."""
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch_pods, args=(models, finished), daemon=True)
        watcher.start()
        try:
            with ThreadPoolExecutor(max_workers=self.jobs) as pool:
                futures = [pool.submit(self._deploy, model, live.get(model.name)) for model in models]
                return [future.result() for future in futures]
        finally:
            finished.set()
            watcher.join()

    def _deploy(self, model: ModelPlan, live: Live | None) -> Done:
        """Deploy one model; every expected failure ends in its `Done`."""
        done = Done(model.name, model.version)
        try:
            if self.cancelled.is_set():
                raise Interrupted
            with ModelLock(
                self.cluster, model.name, lambda text: self.report(model.name, text), self.cancelled
            ) as lock:
                previous = restorable(self.cluster, Owner.of(model))
                try:
                    self._update(model, live, done)
                except DeployError as error:
                    lock.check()
                    done.error = error
                    done.restored = self._restore(model, previous)
        except SlipwayError as error:
            done.error = done.error or error
        self._settled.add(model.name)
        text = "serves" if done.error is None else f"failed; {done.restored}" if done.restored else "failed"
        self.report(model.name, text)
        return done

    def _update(self, model: ModelPlan, live: Live | None, done: Done) -> None:
        """Run the stack, send the golden request, and keep the release as the one to go back to."""
        started = time.monotonic()

        def report(text: str) -> None:
            self.report(model.name, text)

        report("updating its stack")
        name = stack(self.environment, model.name)
        self.settle(name, report)
        program = self.programs.model(model, report)
        self.engine.up(name, program, report, new=live is None, refresh=self.refresh and live is not None)
        updated = time.monotonic()
        done.steps["update"] = updated - started
        self.report(model.name, "sending the golden request")
        check = dict(model.server_config["check"])
        done.verdict = verify(self.cluster, model.name, check, model.release_digest)
        done.steps["golden request"] = time.monotonic() - updated
        release = self._release(model, check)
        save(self.cluster, release, model.namespace)
        remove_strays(self.cluster, release)

    def _release(self, model: ModelPlan, check: dict[str, object]) -> Release:
        """Return the release with the image by the digest that runs."""
        deployment = self.cluster.read("Deployment", model.name)
        if deployment is None:
            raise WrongAnswer(model.name, "its Deployment was deleted while it was judged")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        image = container["image"]
        return Release(
            model=model.name,
            version=model.version,
            digest=model.release_digest,
            image=image,
            manifests=tuple(render_model(model, image)),
            check=check,
        )

    def _restore(self, model: ModelPlan, previous: Release | None) -> str:
        """Make the last right release serve again, or take away what never served. Returns the sentence for it."""
        name = stack(self.environment, model.name)

        def report(text: str) -> None:
            self.report(model.name, text)

        try:
            if previous is None:
                report("failed; taking away what never served")
                self.engine.destroy(name, report)
                return "nothing served before, and what was made is removed"
            report(f"failed; restoring {previous.version}")
            self.engine.up(name, self.programs.release(self.environment, previous), report, new=False)
            verify(self.cluster, model.name, previous.check, previous.digest)
            save(self.cluster, previous, model.namespace)
            remove_strays(self.cluster, previous)
        except Interrupted:
            raise
        except SlipwayError as error:
            return self._unrestored(model.name, error)
        return f"{previous.version} serves again"

    def _unrestored(self, model: str, error: SlipwayError) -> str:
        """Say what serves when even restoring failed: a rolling update keeps old pods until new ones are ready."""
        try:
            deployment = self.cluster.read("Deployment", model)
            ready = live_of(deployment).ready if deployment else 0
            serving = f"{ready} pods serve" if deployment else "nothing serves"
        except SlipwayError:
            serving = "what served goes on as long as the cluster does"
        return f"not restored ({serving}): {error}"

    def _watch_pods(self, models: Sequence[ModelPlan], finished: threading.Event) -> None:
        """Report the stage of every model's pods: one LIST a second for all of them."""
        while not finished.wait(_POLL_S):
            try:
                pods = self.cluster.list("Pod", f"app.kubernetes.io/managed-by={MANAGED_BY}")
            except SlipwayError:
                # Only progress is lost; whoever deploys meets the same error and says it.
                continue
            for model in models:
                ours = [pod for pod in pods if model.labels.items() <= pod["metadata"]["labels"].items()]
                if ours and model.name not in self._settled:
                    self.report(f"{model.name} pods", stage(ours, model.release))
