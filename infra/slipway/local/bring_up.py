"""Bring the local environment up: which steps there are, what each needs, and what is said at the end."""

import os
import time
from pathlib import Path

from rich.console import Console

from slipway.local import apt, cluster, display, machine, shell_env
from slipway.local.autoscaling import controller as keda
from slipway.local.autoscaling import programs as keda_programs
from slipway.local.build import golang, pulumi_cli
from slipway.local.cluster import node_tools, storage
from slipway.local.docker import base_image, engine, registry
from slipway.local.gateway import controller, programs
from slipway.local.gateway import images as gateway_images
from slipway.local.host import commands, paths, steps
from slipway.local.host.steps import Report, Step
from slipway.local.model_store import program as store_program
from slipway.local.model_store import server as model_store
from slipway.local.monitoring import controller as monitoring
from slipway.local.monitoring import programs as monitoring_programs
from slipway.local.plugins import stand_in


class Environment:
    """What the steps hand on to each other: the toolchain and what it built."""

    def __init__(self, facts: machine.Facts) -> None:
        self._facts = facts
        self._go: golang.Go | None = None
        self._tools: cluster.Tools | None = None
        self._gateway: programs.Programs | None = None
        self._keda: keda_programs.Programs | None = None
        self._monitoring: monitoring_programs.Programs | None = None
        self._model_store: Path | None = None

    def preparing(self) -> list[Step]:
        """Everything that can be had before anything runs: packages, programs, the base image."""
        # One Go build after the other: each keeps all cores busy, and two would need twice the memory.
        return [
            Step("Debian packages", self._install_packages),
            Step("Go", self._find_go),
            Step("Pulumi CLI", self._bring_pulumi, after=("Go",)),
            Step("node programs", self._build_node, after=("Pulumi CLI",)),
            Step("gateway programs", self._build_gateway, after=("node programs",)),
            Step("monitoring programs", self._build_monitoring, after=("gateway programs",)),
            Step("autoscaling programs", self._build_keda, after=("monitoring programs",)),
            Step("model store's program", self._build_model_store, after=("autoscaling programs",)),
            Step("base image", self._build_base, after=("Debian packages",)),
            Step("gateway images", self._build_gateway_images, after=("Debian packages",)),
        ]

    def starting(self) -> list[Step]:
        """Everything that runs."""
        return [
            Step("cluster", self._start_cluster, after=("Debian packages", "node programs")),
            Step("Docker Engine", lambda _: engine.start(), after=("Debian packages",)),
            Step("registry", lambda _: registry.start(), after=("Debian packages",)),
            Step("base image in registry", self._push_base, after=("base image", "Docker Engine", "registry")),
            Step("kubernetes plugin", self._serve_plugin, after=("Pulumi CLI",)),
            Step("volumes", storage.ensure, after=("cluster",)),
            Step(
                "gateway images in registry",
                self._push_gateway_images,
                after=("gateway images", "gateway programs", "registry"),
            ),
            Step("gateway", self._install_gateway, after=("cluster", "gateway images in registry")),
            Step("monitoring", self._install_monitoring, after=("cluster", "registry", "monitoring programs")),
            Step("autoscaling", self._install_keda, after=("cluster", "registry", "autoscaling programs")),
            # It listens on the node's address, which comes with the cluster.
            Step("model store", self._start_model_store, after=("cluster", "model store's program")),
        ]

    def beside_a_cluster(self) -> list[Step]:
        """For a machine with a cluster, an engine, a registry and Pulumi of its own: only what it cannot have."""
        return [
            Step("base image", self._build_base),
            Step("base image in registry", self._push_base, after=("base image",)),
            Step("kubernetes plugin", self._serve_plugin),
        ]

    def _install_packages(self, report: Report) -> str:
        packages = self._facts.missing_packages
        if not packages:
            return "all there"
        apt.install(packages, report)
        return f"installed {', '.join(packages)}"

    def _find_go(self, report: Report) -> str:
        modules = [node_tools.MODULE, pulumi_cli.MODULE, programs.MODULE, keda_programs.MODULE, store_program.MODULE]
        self._go = golang.find([*modules, *monitoring_programs.MODULES], report)
        return f"{self._go.version} ({self._go.command})"

    def _bring_pulumi(self, report: Report) -> str:
        found = pulumi_cli.installed()
        if found is not None:
            pulumi_cli.remove()
            return f"{found}, the machine's own"
        pulumi_cli.bring(self._required_go(), report)
        return f"{pulumi_cli.VERSION}, built from its Go module"

    def _build_node(self, report: Report) -> str:
        self._tools = node_tools.bring(self._required_go(), report)
        return f"Kubernetes {node_tools.KUBERNETES_VERSION}"

    def _build_gateway(self, report: Report) -> str:
        self._gateway = programs.bring(self._required_go(), report)
        return f"Envoy Gateway {programs.VERSION}"

    def _build_gateway_images(self, report: Report) -> str:
        gateway_images.build(report)
        return f"Envoy {gateway_images.ENVOY_VERSION}, PostgreSQL {gateway_images.POSTGRES_VERSION}"

    def _push_gateway_images(self, report: Report) -> str:
        return gateway_images.push(gateway_images.build(report), self._required_gateway(), report)

    def _install_gateway(self, report: Report) -> str:
        return controller.install(self._required_gateway(), report)

    def _build_monitoring(self, report: Report) -> str:
        self._monitoring = monitoring_programs.bring(self._required_go(), report)
        return monitoring.WHAT

    def _install_monitoring(self, report: Report) -> str:
        if self._monitoring is None:
            raise RuntimeError("the step of Prometheus ran before the one that builds its programs")
        return monitoring.install(self._monitoring, report)

    def _build_keda(self, report: Report) -> str:
        self._keda = keda_programs.bring(self._required_go(), report)
        return f"KEDA {keda_programs.VERSION}"

    def _install_keda(self, report: Report) -> str:
        if self._keda is None:
            raise RuntimeError("the step of KEDA ran before the one that builds its programs")
        return keda.install(self._keda, report)

    def _build_model_store(self, report: Report) -> str:
        self._model_store = store_program.bring(self._required_go(), report)
        return f"Versity S3 Gateway {store_program.VERSION}"

    def _start_model_store(self, _: Report) -> str:
        if self._model_store is None:
            raise RuntimeError("the model store's step ran before the one that builds its program")
        return model_store.start(self._model_store)

    def _build_base(self, report: Report) -> str:
        return base_image.build(report).name

    def _push_base(self, report: Report) -> str:
        return base_image.push(base_image.build(report), report)[:19]

    def _start_cluster(self, report: Report) -> str:
        if self._tools is None:
            raise RuntimeError("the cluster's step ran before the one that builds its programs")
        cluster.start(self._tools, report)
        return f"context {paths.KUBE_CONTEXT}"

    def _serve_plugin(self, report: Report) -> str:
        env = shell_env.variables(os.environ)
        if not self._facts.has_context:
            # Said here, since the cluster that writes the file comes up beside this.
            env["KUBECONFIG"] = str(paths.KUBECONFIG)
        return stand_in.start(env, report)

    def _required_go(self) -> golang.Go:
        if self._go is None:
            raise RuntimeError("a build's step ran before the one that finds Go")
        return self._go

    def _required_gateway(self) -> programs.Programs:
        if self._gateway is None:
            raise RuntimeError("a step of the gateway ran before the one that builds its programs")
        return self._gateway


def up(console: Console, *, prepare_only: bool) -> None:
    """Run the steps with progress and end with the table of their times.

    Raises:
        LocalError: what the machine lacks, all of it, or what failed. What is done stays for the next run.
    """
    begin = time.monotonic()
    facts = machine.look()
    machine.require(facts)
    paths.prepare()
    run = Environment(facts)
    if facts.has_context:
        chosen = run.beside_a_cluster()
        console.print(f"using the cluster of your kubeconfig context {paths.KUBE_CONTEXT}", highlight=False)
    else:
        chosen = run.preparing() if prepare_only else [*run.preparing(), *run.starting()]
    with display.StepDisplay(console) as shown:
        try:
            ended = steps.run(chosen, shown)
        except KeyboardInterrupt:
            commands.cancel_all()
            raise
    display.print_times(console, ended, time.monotonic() - begin)
