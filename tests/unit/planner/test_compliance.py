"""A plan against the policy: what is refused with file and line, what is only said, what a spec is excepted from."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors.base import UserErrors
from slipway.loading.settings import read_settings
from slipway.loading.specs import LoadedSpec, load_environment
from slipway.planner import compliance
from slipway.planner.compliance import Compliance, RuleBroken, comply
from slipway.planner.environment import Plan, plan
from slipway.policy.resource import of_manifests
from slipway.policy.resources import excepted
from slipway.policy.rules import EXCEPTABLE, RULES
from slipway.reading.yaml_document import Document
from slipway.render.model import placeholder_image, render_model
from tests.support.planned import CODE, FIXTURES

ROOT = Path(__file__).parents[3]
DAY = date(2026, 11, 21)
WHY = "Nobody waits for it while it is gone"

SETTINGS = """\
config:
  slipway:environment:
    kind: aws
    account: "123456789012"
    region: eu-central-1
    zones: [eu-central-1a, eu-central-1b]
    cidr: 10.40.0.0/18
    nat: single
    kubernetes_version: "1.35"
    administrators: [arn:aws:iam::123456789012:role/ml-platform]
    namespace: slipway
    base_image: example.com/python:3.11@sha256:0000000000000000000000000000000000000000000000000000000000000000
    budget: {{monthly_usd: {budget}, alarm: ml-platform@example.com}}
    tags: {{team: ml-platform}}
    node_pools:
      - name: cpu
        instance_types: [m7i.xlarge]
        max_nodes: 4
        {spot}
"""

KUBERNETES = """\
config:
  slipway:environment:
    kind: kubernetes
    context: dev
    namespace: slipway
    registry: example.com
    base_image: example.com/python:latest
    node_pools: [{{name: cpu, max_nodes: 4, cpu: "4", memory: 16Gi}}]
"""

SPEC = """\
apiVersion: slipway/v1
name: {name}
version: 1.0.0
owner: vision
artifact: {{source: weights/linear.onnx}}
runtime: onnxruntime
resources: {{cpu: {cpu}, memory: 256Mi}}
scale: {{min: {least}, max: 3, target: {{cpu_percent: 70}}}}
check: {{request: checks/linear.json, expect: {{label: 1}}}}
"""


class Files:
    """An environment `dev` on AWS and its specs, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stacks").mkdir()
        (folder / "models").mkdir()

    def settings(self, *, spot: str = "", budget: int = 5000, kind: str = SETTINGS) -> None:
        text = kind.format(spot=spot, budget=budget)
        (self.folder / "stacks" / "Pulumi.dev.yaml").write_text(text)

    def model(self, name: str, more: str = "", *, cpu: str = "1", least: int = 1) -> None:
        text = SPEC.format(name=name, cpu=cpu, least=least)
        (self.folder / "models" / f"{name}.yaml").write_text(text + more)

    def planned(self) -> tuple[Plan, list[LoadedSpec], Document]:
        stacks, models = self.folder / "stacks", self.folder / "models"
        settings, specs = load_environment(stacks, "dev", models, FIXTURES / "repo")
        return plan("dev", settings, specs, CODE), specs, read_settings(stacks, "dev").document

    def comply(self) -> Compliance:
        return comply(*self.planned(), DAY)

    def messages(self) -> list[str]:
        return [str(finding).removeprefix(f"{self.folder}/") for finding in self.comply().refused]

    def warnings(self) -> list[str]:
        return [warning.removeprefix(f"{self.folder}/") for warning in self.comply().warnings]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.settings()
    made.model("digits")
    return made


def test_an_environment_that_keeps_to_every_rule_has_no_finding(files: Files) -> None:
    assert files.comply() == Compliance((), ())


def test_replicas_at_rest_on_spot_nodes_alone_are_refused(files: Files) -> None:
    files.settings(spot="spot: {}")
    assert files.messages() == [
        "models/digits.yaml:8: scale.min: 1 replica must always run, but pool cpu is spot: 0 of its nodes are "
        "on-demand, with capacity for 0 (rule spot-floor); allowed: minimum replicas that fit on the on-demand nodes "
        "of pool cpu; next: raise spot.on_demand_nodes of pool cpu in the settings of dev, or say in the spec why it "
        "may be so: exceptions: {spot-floor: WHY}"
    ]


def test_on_demand_nodes_of_a_spot_pool_hold_what_fits_on_them_together(files: Files) -> None:
    files.settings(spot="spot: {on_demand_nodes: 1}")
    assert files.comply().refused == ()
    files.model("faces", least=2, cpu="1500m")
    (message,) = files.messages()
    assert message.startswith("models/digits.yaml:8: scale.min: 1 replica must always run")
    assert "1 of its nodes is on-demand, with capacity for 0 beside faces" in message


def test_a_justified_exception_is_honoured_and_leaves_its_room_to_others(files: Files) -> None:
    files.settings(spot="spot: {on_demand_nodes: 1}")
    files.model("faces", f"exceptions: {{spot-floor: {WHY}}}\n", least=3)
    assert files.comply() == Compliance((), ())


def test_an_exception_that_is_not_needed_is_said_with_its_line(files: Files) -> None:
    files.model("digits", f"exceptions:\n  spot-floor: {WHY}\n")
    assert files.comply().refused == ()
    assert files.warnings() == [
        "models/digits.yaml:11: exceptions.spot-floor: is not needed in dev, where digits complies with that rule; "
        "next: remove it, or write it into the environments that need it"
    ]


def test_an_exception_of_one_environment_is_located_there(files: Files) -> None:
    files.model("digits", f"environments:\n  dev:\n    exceptions: {{spot-floor: {WHY}}}\n")
    assert files.warnings()[0].startswith(
        "models/digits.yaml:12: environments.dev.exceptions.spot-floor: is not needed"
    )


def test_a_budget_below_the_price_at_rest_is_refused(files: Files) -> None:
    files.settings(budget=10)
    (message,) = files.messages()
    assert message.startswith(
        "stacks/Pulumi.dev.yaml:13: config.slipway:environment.budget.monthly_usd: 10 USD a month"
    )
    assert "that all models cost with their fewest replicas (rule budget-at-rest)" in message
    assert "exceptions" not in message, "nobody is excepted from a rule about the environment"


def test_a_budget_below_the_highest_price_is_a_warning(files: Files) -> None:
    files.model("digits", cpu="2")
    resting = next(budget for budget in range(100, 5000, 20) if not _refused(files, budget))
    files.settings(budget=resting)
    (warning,) = files.warnings()
    assert "could cost at scale.max (rule budget-at-maximum); next: raise it or lower max_nodes" in warning


def _refused(files: Files, budget: int) -> bool:
    files.settings(budget=budget)
    return bool(files.comply().refused)


def test_a_base_image_called_latest_is_refused(files: Files) -> None:
    files.settings(kind=KUBERNETES)
    (message,) = files.messages()
    assert message.startswith("stacks/Pulumi.dev.yaml:7: config.slipway:environment.base_image: ")
    assert "(rule no-latest-tag)" in message


def test_a_model_bound_to_a_region_is_not_placed_elsewhere_even_if_placement_let_it(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Placement refuses it first; the rule holds the plan to it whoever made the plan."""
    files.model("digits", "data: {region: eu-central-1}\n")
    assert files.comply() == Compliance((), ())
    planned, specs, document = files.planned()
    monkeypatch.setattr(compliance, "price", lambda *_: None)
    elsewhere = replace(planned, settings=planned.settings.model_copy(update={"region": "eu-west-1"}))
    (finding,) = comply(elsewhere, specs, document, DAY).refused
    assert isinstance(finding, RuleBroken) and finding.rule.id == "data-residency"
    assert '"eu-central-1" is not the region of the model store, which is in eu-west-1' in finding.problem


def test_objects_that_break_a_rule_are_refused_before_they_are_applied(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compliance, "placeholder_image", lambda model: model.image.reference)
    (message,) = files.messages()
    assert "Deployment digits: container server runs " in message and "(rule image-by-digest)" in message
    files.model("digits", f"exceptions: {{image-by-digest: {WHY}}}\n")
    assert files.comply() == Compliance((), ())


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_the_committed_environments_keep_to_every_mandatory_rule(environment: str) -> None:
    settings, specs = load_environment(ROOT / "stacks", environment, ROOT / "models", ROOT)
    planned = plan(environment, settings, specs, CODE)
    assert comply(planned, specs, read_settings(ROOT / "stacks", environment).document, DAY).refused == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("spot-flor: " + WHY, 'exceptions.spot-flor: "spot-flor" is not a rule that a model can be exempted from'),
        ("tags: " + WHY, 'exceptions.tags: "tags" is not a rule that a model can be exempted from'),
        ("spot-floor: because", 'exceptions.spot-floor: "because" is too short'),
    ],
)
def test_an_exception_from_no_rule_or_without_a_reason_is_refused(files: Files, line: str, message: str) -> None:
    files.model("digits", f"exceptions:\n  {line}\n")
    with pytest.raises(UserErrors) as caught:
        files.comply()
    assert f"models/digits.yaml:11: {message}" in str(caught.value)


def test_an_exception_stands_on_the_objects_that_the_policy_pack_reads_it_from(files: Files) -> None:
    files.model("digits", f"exceptions: {{restricted-pod: {WHY}}}\n")
    (model,) = files.planned()[0].models
    resources = {one.kind: one for one in of_manifests(render_model(model, placeholder_image(model)))}
    assert {kind for kind, one in resources.items() if excepted(one, "restricted-pod")} == {"Deployment", "Service"}
    assert not excepted(resources["Deployment"], "image-by-digest")


def test_the_nearest_rule_is_proposed(files: Files) -> None:
    files.model("digits", f"exceptions:\n  spot-flor: {WHY}\n")
    with pytest.raises(UserErrors, match=r"next: write spot-floor"):
        files.comply()


@given(rule=st.sampled_from(EXCEPTABLE), reason=st.text(max_size=60))
def test_reasons_are_taken_or_refused_whatever_is_written(
    tmp_path_factory: pytest.TempPathFactory, rule: str, reason: str
) -> None:
    files = Files(tmp_path_factory.mktemp("files"))
    files.settings()
    escaped = "".join(f"\\U{ord(c):08x}" for c in reason)
    files.model("digits", f'exceptions: {{{rule}: "{escaped}"}}\n')
    try:
        assert len(files.warnings()) == 1
        assert len(reason.strip()) >= 20 and reason.isprintable()
    except UserErrors as error:
        assert len(reason.strip()) < 20 or not reason.isprintable(), error


def test_rules_that_need_the_plan_have_a_case_here() -> None:
    assert {rule.id for rule in RULES if rule.seen_by == ("plan",)} == {
        "spot-floor",
        "data-residency",
        "budget-at-rest",
        "budget-at-maximum",
    }
