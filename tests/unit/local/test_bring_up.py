"""The order of the steps of `slipway local up`."""

from slipway.local import bring_up, machine
from slipway.local.host import steps

FACTS = machine.Facts(
    distribution="Debian GNU/Linux 12 (bookworm)",
    has_apt=True,
    is_root=True,
    missing_packages=(),
    has_context=False,
    has_docker=False,
    has_pulumi=False,
    has_registry=False,
    tools_built=False,
    free_disk=1,
    memory=1,
)


def test_every_step_comes_after_steps_that_there_are() -> None:
    environment = bring_up.Environment(FACTS)
    every = [*environment.preparing(), *environment.starting()]
    steps.check(every)
    steps.check(environment.beside_a_cluster())
    assert len(every) > len(environment.beside_a_cluster())


def test_go_builds_one_program_after_the_other() -> None:
    # Each keeps all cores busy, and two at once need twice the memory.
    prepared = {step.name: step for step in bring_up.Environment(FACTS).preparing()}
    chain = ["autoscaling programs"]
    while prepared[chain[-1]].after:
        chain.extend(prepared[chain[-1]].after)
    assert chain == [
        "autoscaling programs",
        "monitoring programs",
        "gateway programs",
        "node programs",
        "Pulumi CLI",
        "Go",
    ]


def test_what_runs_on_the_cluster_comes_after_the_cluster_and_its_images() -> None:
    started = {step.name: set(step.after) for step in bring_up.Environment(FACTS).starting()}
    for name in ("monitoring", "autoscaling"):
        assert started[name] >= {"cluster", "registry", f"{name} programs"}
