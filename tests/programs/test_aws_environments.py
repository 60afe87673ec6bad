"""The committed AWS environments on Pulumi's mocks: their order, nodes and platform, and what changes when they do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.catalog.platform_pins import EKS
from slipway.environments.planning.aws.charges import charges
from slipway.environments.planning.aws.node_groups import node_groups, stored
from slipway.environments.running.pool_change import PoolChange
from slipway.settings.aws_network import ExistingNetwork
from tests.support.aws_runs import (
    KUBECONFIG,
    TODAY,
    each_environment,
    program_of,
    run_of,
    run_of_model,
    runs,
    settings_of,
)
from tests.support.recorder import run_program

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URNS = Path(__file__).resolve().parents[1] / "golden/urns"


@each_environment
def test_the_platforms_nodes_are_as_many_as_the_plan_says_and_nothing_scales_them(environment: str) -> None:
    groups = run_of(environment).of("aws:eks/nodeGroup:NodeGroup")
    assert len(groups) == len(node_groups(settings_of(environment)))
    for group in groups:
        assert not group.ignored
        assert group.inputs["scalingConfig"] == {"minSize": 2, "maxSize": 2, "desiredSize": 2}


@each_environment
def test_nodes_run_the_pinned_release_of_the_asked_version(environment: str) -> None:
    version = settings_of(environment).kubernetes_version
    for group in run_of(environment).of("aws:eks/nodeGroup:NodeGroup"):
        assert (group.inputs["version"], group.inputs["releaseVersion"]) == (version, EKS[version].ami)
    for addon in run_of(environment).of("aws:eks/addon:Addon"):
        assert addon.inputs["addonVersion"] == EKS[version].addons[addon.inputs["addonName"]]
    assert {a.inputs["addonName"] for a in run_of(environment).of("aws:eks/addon:Addon")} == set(EKS[version].addons)


@each_environment
def test_nodes_wait_for_the_way_out_and_their_network_plugin_and_the_platform_for_nodes(environment: str) -> None:
    run = run_of(environment)
    addons = {addon.inputs["addonName"]: addon for addon in run.of("aws:eks/addon:Addon")}
    for group in run.of("aws:eks/nodeGroup:NodeGroup"):
        before = run.before(group)
        assert addons["vpc-cni"].urn in before
        assert addons["coredns"].urn not in before
        assert {route.urn for route in run.of("aws:ec2/route:Route")} <= before
        assert {
            a.urn for a in run.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment") if "-nodes-" in a.name
        } <= before
    for release in run.of("kubernetes:helm.sh/v3:Release"):
        assert {group.urn for group in run.of("aws:eks/nodeGroup:NodeGroup")} <= run.before(release)
        assert addons["coredns"].urn in run.before(release)


@each_environment
def test_whatever_talks_to_the_cluster_waits_for_the_access_to_it(environment: str) -> None:
    run = run_of(environment)
    (provider,) = run.of("pulumi:providers:kubernetes")
    access = {r.urn for r in run.of("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")}
    assert access <= run.before(provider)


ASSOCIATIONS = (
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
)
"""What a cluster knows some seconds after AWS said that it is there."""


def test_what_depends_on_an_association_is_held_back_until_the_cluster_knows_of_it() -> None:
    held = [resource for _, run in runs() for token in ASSOCIATIONS for resource in run.of(token)]
    assert {resource.token for resource in held} == set(ASSOCIATIONS)
    for resource in held:
        assert len(resource.hooks) == 1, resource.urn


@each_environment
def test_nothing_asks_the_cluster_before_it_knows_who_asks_and_has_nodes(environment: str) -> None:
    run = run_of(environment)
    access = {resource.urn for resource in run.of(ASSOCIATIONS[0])}
    nodes = {group.urn for group in run.of("aws:eks/nodeGroup:NodeGroup")}
    asking = [one for one in run.resources if one.token.startswith("kubernetes:")]
    assert {one.token.rpartition(":")[2] for one in asking} >= {"Namespace", "NetworkPolicy", "Release"}
    for one in asking:
        assert access | nodes <= run.before(one), one.urn


@each_environment
def test_pods_that_call_aws_start_when_the_cluster_knows_their_role(environment: str) -> None:
    run, of_model = run_of(environment), run_of_model(environment)
    charts = run.of("kubernetes:helm.sh/v3:Release")
    seen = 0
    for association in run.of(ASSOCIATIONS[1]):
        account = association.inputs["serviceAccount"]
        pods = [chart for chart in charts if chart.name == account]
        pods += [one for one in run.of("kubernetes:apps/v1:Deployment") if one.name == account]
        assert pods, account
        for one in pods:
            seen += 1
            assert association.urn in run.before(one)
    assert seen
    (association,) = of_model.of(ASSOCIATIONS[1])
    (deployment,) = of_model.of("kubernetes:apps/v1:Deployment")
    assert association.urn in of_model.before(deployment)


@each_environment
def test_there_is_a_nat_gateway_in_each_zone_or_one(environment: str) -> None:
    settings = settings_of(environment)
    wanted = len(settings.zones) if settings.nat == "zone" else 1
    run = run_of(environment)
    assert len(run.of("aws:ec2/natGateway:NatGateway")) == wanted
    interfaces = [e for e in run.of("aws:ec2/vpcEndpoint:VpcEndpoint") if e.inputs["vpcEndpointType"] == "Interface"]
    assert {len(endpoint.inputs["subnetIds"]) for endpoint in interfaces} == {wanted}


_SUBNETS = {f"eu-central-1{letter}": f"subnet-0123456789abcde{letter}0" for letter in "abc"}
_PUBLIC = {zone: subnet.replace("subnet-0", "subnet-1") for zone, subnet in _SUBNETS.items()}


def test_in_a_network_that_is_there_already_no_subnet_route_or_way_out_is_made() -> None:
    there = ExistingNetwork(vpc="vpc-0123456789abcdef0", private_subnets=_SUBNETS, public_subnets=_PUBLIC)
    settings = settings_of("staging").model_copy(update={"network": there})
    run = run_program(program_of("staging", settings), "staging")
    kinds = {resource.token.rpartition(":")[2] for resource in run.aws()}
    assert not kinds & {
        "Vpc", "Subnet", "NatGateway", "InternetGateway", "Eip", "Route", "RouteTable", "VpcEndpoint", "FlowLog",
    }  # fmt: skip
    assert set(run.one("aws:eks/cluster:Cluster")["vpcConfig"]["subnetIds"]) == set(_SUBNETS.values())
    for group in run.of("aws:eks/nodeGroup:NodeGroup"):
        assert set(group.inputs["subnetIds"]) <= set(_SUBNETS.values())
    assert {group.inputs["vpcId"] for group in run.of("aws:ec2/securityGroup:SecurityGroup")} == {there.vpc}
    balancers = json.dumps(run.manifests("EnvoyProxy"))
    assert all(subnet in balancers for subnet in _PUBLIC.values())
    (policy,) = [one for one in run.of("aws:iam/rolePolicy:RolePolicy") if "load-balancer" in one.name]
    said = {one["Sid"]: one for one in json.loads(policy.inputs["policy"])["Statement"]}["MakeSecurityGroupsInNetwork"]
    assert said["Resource"].endswith(f":vpc/{there.vpc}") and "Condition" not in said
    assert {charge.name for charge in charges(settings, TODAY).fixed} & {"NAT gateways", "interface endpoints"} == set()


def test_load_balancers_find_their_subnets_by_tags() -> None:
    subnets = run_of("prod").of("aws:ec2/subnet:Subnet")
    public = [s for s in subnets if s.inputs["tags"].get("kubernetes.io/role/elb") == "1"]
    private = [s for s in subnets if s.inputs["tags"].get("kubernetes.io/role/internal-elb") == "1"]
    assert (len(public), len(private), len(subnets)) == (3, 3, 6)
    assert not any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets)


@each_environment
def test_the_budget_counts_the_environment_and_tells_before_it_is_spent(environment: str) -> None:
    settings = settings_of(environment)
    budget = run_of(environment).one("aws:budgets/budget:Budget")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": [f"user:slipway:environment${environment}"]}]
    assert (budget["limitAmount"], budget["limitUnit"]) == (str(settings.budget.monthly_usd), "USD")
    told = {(n["notificationType"], n["threshold"]) for n in budget["notifications"]}
    assert told == {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
    assert {a for n in budget["notifications"] for a in n["subscriberEmailAddresses"]} == {settings.budget.alarm}


@each_environment
def test_a_model_goes_to_the_cluster_of_its_environment_whatever_context_the_user_has(environment: str) -> None:
    (provider,) = run_of_model(environment).of("pulumi:providers:kubernetes")
    assert provider.inputs == {"kubeconfig": KUBECONFIG, "upsertExistingObjects": True}


@each_environment
def test_every_chart_has_a_version_and_a_namespace_that_says_what_its_pods_may(environment: str) -> None:
    run = run_of(environment)
    spaces = {m["metadata"]["name"]: m["metadata"]["labels"] for m in run.manifests("Namespace")}
    for release in run.of("kubernetes:helm.sh/v3:Release"):
        assert release.inputs["version"]
        assert (
            release.inputs["namespace"] == "kube-system"
            or (spaces[release.inputs["namespace"]]["pod-security.kubernetes.io/enforce"])
        )


@each_environment
def test_what_is_measured_and_scaled_comes_after_the_charts_that_bring_its_kinds(environment: str) -> None:
    """KEDA's chart, too, has a PodMonitor of its own."""
    run = run_of(environment)
    charts = {release.name: release for release in run.of("kubernetes:helm.sh/v3:Release")}
    assert charts["prometheus"].urn in run.before(charts["keda"])
    watched = [
        *run.of("kubernetes:monitoring.coreos.com/v1:PodMonitor"),
        *run.of("kubernetes:monitoring.coreos.com/v1:PrometheusRule"),
    ]
    assert {one.name for one in watched} >= {"models", "autoscaling"}
    for one in watched:
        assert {charts["prometheus"].urn, charts["keda"].urn} <= run.before(one)


def test_gpus_are_shared_as_the_pools_say() -> None:
    run = run_of("prod")
    (operator,) = [r for r in run.of("kubernetes:helm.sh/v3:Release") if r.name == "gpu-operator"]
    config = operator.inputs["values"]["devicePlugin"]["config"]
    labels = [pool["spec"]["template"]["metadata"]["labels"] for pool in run.manifests("NodePool")]
    named = {label["nvidia.com/device-plugin.config"] for label in labels if "nvidia.com/device-plugin.config" in label}
    assert named == {"time-slicing-4"} == config["data"].keys() - {config["default"]}
    assert "replicas: 4" in config["data"]["time-slicing-4"]
    assert {label.get("nvidia.com/mig.config") for label in labels} == {None, "all-1g.10gb"}
    assert operator.inputs["values"]["mig"] == {"strategy": "mixed"}


def test_what_is_shared_of_gpus_is_told_to_karpenter_where_a_pool_has_any_and_nowhere_else() -> None:
    overlays = {one["metadata"]["name"]: one["spec"]["capacity"] for one in run_of("prod").manifests("NodeOverlay")}
    assert overlays == {"gpu-t4": {"nvidia.com/gpu": "4"}, "gpu-a100-mig": {"nvidia.com/mig-1g.10gb": "56"}}
    gates = {}
    for environment in ("staging", "prod"):
        (chart,) = [r for r in run_of(environment).of("kubernetes:helm.sh/v3:Release") if r.name == "karpenter"]
        gates[environment] = chart.inputs["values"]["settings"]["featureGates"]
    assert gates == {
        "staging": {"nodeOverlay": False, "nodeRepair": True},
        "prod": {"nodeOverlay": True, "nodeRepair": True},
    }


@each_environment
def test_karpenter_is_there_before_the_first_object_of_its_kinds_and_goes_after_the_last(environment: str) -> None:
    """What comes later goes earlier: a class waits for its nodes, which only Karpenter can end."""
    run = run_of(environment)
    charts = {release.name: release for release in run.of("kubernetes:helm.sh/v3:Release")}
    assert charts["karpenter-crd"].urn in run.before(charts["karpenter"])
    classes = {one.urn for one in run.of("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")}
    pools = run.of("kubernetes:karpenter.sh/v1:NodePool")
    assert len(classes) == len(settings_of(environment).node_pools) <= len(pools)
    for pool in pools:
        assert {charts["karpenter"].urn, *classes} <= run.before(pool)


@each_environment
def test_nodes_start_in_the_private_subnets_of_their_pools_zones_with_encrypted_disks(environment: str) -> None:
    run = run_of(environment)
    private = {
        subnet.inputs["availabilityZone"]: f"{subnet.name}-id"
        for subnet in run.of("aws:ec2/subnet:Subnet")
        if "kubernetes.io/role/internal-elb" in subnet.inputs["tags"]
    }
    zones = {pool.name: pool.zones or settings_of(environment).zones for pool in settings_of(environment).node_pools}
    (key,) = [key for key in run.of("aws:kms/key:Key") if key.name.endswith("-disks-key")]
    for made in run.manifests("EC2NodeClass"):
        wanted = [{"id": private[zone]} for zone in sorted(zones[made["metadata"]["name"]])]
        assert made["spec"]["subnetSelectorTerms"] == wanted
        (disk,) = made["spec"]["blockDeviceMappings"]
        assert (disk["ebs"]["encrypted"], disk["ebs"]["kmsKeyID"]) == (True, f"arn:{key.name}")
        assert "known-once" not in str(made)


@each_environment
def test_karpenter_hears_of_the_nodes_that_aws_takes_back(environment: str) -> None:
    run = run_of(environment)
    queue = run.one("aws:sqs/queue:Queue")
    (chart,) = [r for r in run.of("kubernetes:helm.sh/v3:Release") if r.name == "karpenter"]
    assert chart.inputs["values"]["settings"]["interruptionQueue"] == queue["name"] == f"slipway-{environment}"
    patterns = [rule.inputs["eventPattern"] for rule in run.of("aws:cloudwatch/eventRule:EventRule")]
    assert len(patterns) == len(run.of("aws:cloudwatch/eventTarget:EventTarget")) == 5
    assert any("EC2 Spot Instance Interruption Warning" in pattern for pattern in patterns)


def test_a_group_that_is_rotated_is_beside_the_new_one_until_it_is_empty() -> None:
    settings = settings_of("prod")
    old = stored(run_of("prod").outputs["pools"])
    moved = settings.model_copy(update={"node_pools": settings.node_pools[:1]})
    (leaving,) = (replace(group, name="system-11111111") for group in old)
    assert PoolChange.of(node_groups(moved), [leaving]).replaced == (leaving,)
    run = run_program(program_of("prod", moved, [leaving]), "prod")
    there = {group.inputs["nodeGroupName"] for group in run.of("aws:eks/nodeGroup:NodeGroup")}
    assert there == {group.name for group in node_groups(moved)} | {leaving.name}


def test_a_pool_that_leaves_the_settings_stays_until_the_models_have_left_it() -> None:
    settings = settings_of("prod")
    smaller = settings.model_copy(update={"node_pools": settings.node_pools[:-1]})
    there = run_of("prod").outputs["node_objects"]
    removed = PoolChange.of((), (), [pool.name for pool in smaller.node_pools], there).removed
    assert removed.keys() == {settings.node_pools[-1].name}
    kept = run_program(program_of("prod", smaller, staying=removed), "prod")
    assert {one["metadata"]["name"] for one in kept.manifests("NodePool")} >= removed.keys()
    gone = run_program(program_of("prod", smaller), "prod")
    assert {one["metadata"]["name"] for one in gone.manifests("NodePool")}.isdisjoint(removed)


@each_environment
def test_a_preview_shows_every_resource_though_nothing_is_there_yet(environment: str) -> None:
    program = program_of(environment, settings_of(environment))
    shown = run_program(program, environment, preview=True)
    assert {resource.urn for resource in shown.resources} == {r.urn for r in run_of(environment).resources}


def test_no_two_resources_have_one_urn() -> None:
    for stack, run in runs():
        urns = [resource.urn for resource in run.resources]
        assert len(urns) == len(set(urns)), stack


@each_environment
def test_a_resource_is_renamed_with_an_alias_or_it_would_be_deleted_and_made_anew(
    environment: str, request: pytest.FixtureRequest
) -> None:
    path = URNS / f"{environment}.txt"
    resources = [*run_of(environment).resources, *run_of_model(environment).resources]
    now = {resource.urn for resource in resources}
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{urn}\n" for urn in sorted(now)))
    before = set(path.read_text().split())
    aliased = {alias for resource in resources for alias in resource.aliases}
    gone = sorted(before - now - aliased)
    assert not gone, (
        f"{gone} would be deleted. If they were renamed, give the new ones an alias; "
        "if they are really to go: pytest --update-golden"
    )
    assert sorted(now) == sorted(before), f"{path} is stale; if the change is meant: pytest --update-golden"
