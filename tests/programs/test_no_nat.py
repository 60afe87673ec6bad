"""An environment without a way out of its network: what it has and lacks, and that each call finds an endpoint."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from slipway.catalog.platform_images import PLATFORM_IMAGES, copy_path
from slipway.catalog.platform_pins import KARPENTER, KARPENTER_DEFINITIONS
from slipway.environments.planning.aws.charges import charges
from slipway.environments.planning.aws.endpoints import interface_endpoints
from slipway.environments.planning.kinds import planning
from slipway.settings.aws import AwsSettings
from slipway.settings.aws_gateway import AwsCertificate
from slipway.settings.aws_network import ApiAccess
from slipway.settings.aws_node_pool import AwsNodePool
from tests.support.aws_runs import closed, program_of, run_of, run_of_model, settings_of
from tests.support.recorder import Run, run_program

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TODAY = date(2026, 11, 27)
INTERFACE_OF = {"ecr": "ecr.api"}
"""Endpoints that are named otherwise than the actions of their service; ecr.dkr has none."""
WITHOUT_INTERFACE = {
    "s3": "its gateway endpoint",
    "kms": "S3 and Secrets Manager ask it, for whoever asks them",
    "iam": "Elastic Load Balancing makes its own role in the name of whoever makes a load balancer; Karpenter asks not",
    "pricing": "Karpenter asks not, by isolatedVPC",
    "ec2messages": "the bastion's agent asks it only where ssmmessages does not answer",
}
INSIDE = ("ec2.amazonaws.com", "pods.eks.amazonaws.com")
"""Who takes the roles of nodes, of the bastion and of pods; others' calls do not come from inside the network."""


def run_closed(*, internal: bool = True) -> Run:
    return run_program(program_of("staging", closed(internal=internal)), "staging")


@pytest.fixture(scope="module")
def run() -> Run:
    return run_closed()


def interfaces(run: Run) -> dict[str, Any]:
    """The interface endpoints by their services."""
    found = run.of("aws:ec2/vpcEndpoint:VpcEndpoint")
    return {
        one.inputs["serviceName"].removeprefix("com.amazonaws.eu-central-1."): one
        for one in found
        if one.inputs["vpcEndpointType"] == "Interface"
    }


def test_nothing_leads_out_of_the_network(run: Run) -> None:
    kinds = {resource.token.rpartition(":")[2] for resource in run.aws()}
    assert not kinds & {"NatGateway", "InternetGateway", "Eip", "Route"}
    subnets = run.of("aws:ec2/subnet:Subnet")
    assert [one.inputs["tags"].get("kubernetes.io/role/internal-elb") for one in subnets] == ["1"] * len(subnets)
    assert subnets


def test_a_gateway_that_faces_the_internet_is_reached_from_there_and_nothing_else_leads_out() -> None:
    run = run_closed(internal=False)
    assert not run.of("aws:ec2/natGateway:NatGateway")
    (route,) = run.of("aws:ec2/route:Route")
    assert route.name == "staging-public-out"
    attached = run.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    private = {one.inputs["routeTableId"] for one in attached if "-private-" in one.name}
    assert private
    assert route.inputs["routeTableId"] not in private


def called(run: Run) -> Iterator[tuple[str, str]]:
    """Each service that a role of something inside the network may call, with the role."""
    managed = json.loads(aws_managed_policies_data)
    taken = {
        one.inputs["name"]
        for one in run.of("aws:iam/role:Role")
        if any(who in one.inputs["assumeRolePolicy"] for who in INSIDE)
    }
    inline = run.of("aws:iam/rolePolicy:RolePolicy")
    policies = [(one.inputs["role"], json.loads(one.inputs["policy"])) for one in inline]
    for one in run.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        name = one.inputs["policyArn"].rpartition("/")[2]
        policies.append((one.inputs["role"], managed[name]["Document"]))
    for role, document in policies:
        if role not in taken:
            continue
        for statement in document["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                yield action.partition(":")[0], role


def test_each_service_that_something_inside_may_call_has_an_endpoint(run: Run) -> None:
    there, seen = interfaces(run), set()
    for service, role in [*called(run), *called(run_of_model("staging"))]:
        seen.add(service)
        assert service in WITHOUT_INTERFACE or INTERFACE_OF.get(service, service) in there, (service, role)
    assert set(WITHOUT_INTERFACE) <= seen, "a reason that nothing needs any more"
    used = {INTERFACE_OF.get(service, service) for service in seen}
    assert set(there) - used == {"ecr.dkr"}, "an endpoint that nothing calls"


def test_a_chart_that_calls_a_service_without_an_endpoint_would_be_seen(run: Run) -> None:
    """ExternalDNS, which settings refuse without NAT."""
    services = {service for service, _ in called(run_of("staging"))}
    assert "route53" in services - set(interfaces(run)) - set(WITHOUT_INTERFACE)


def test_endpoints_are_in_every_zone_and_nodes_and_bastion_wait_for_all_of_them(run: Run) -> None:
    there = interfaces(run)
    assert set(there) == set(interface_endpoints(closed()))
    for one in there.values():
        assert len(one.inputs["subnetIds"]) == len(closed().zones)
    waiting = [*run.of("aws:eks/nodeGroup:NodeGroup"), *run.of("aws:ec2/instance:Instance")]
    assert len(waiting) > 1
    for one in waiting:
        assert {endpoint.urn for endpoint in there.values()} <= run.before(one), one.name


def test_what_only_some_need_has_an_endpoint_only_there() -> None:
    plain = closed().model_copy(update={"gateway": None, "api": ApiAccess()})
    assert set(interface_endpoints(plain)) == {"ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sqs", "ssm"}
    open_ = interface_endpoints(settings_of("staging"))
    assert set(open_) == {"ecr.api", "ecr.dkr", "eks-auth", "secretsmanager"}


def test_endpoints_are_paid_for_and_no_gateway_or_address_is() -> None:
    fixed = {one.name: one.count for one in charges(closed(), TODAY).fixed}
    assert fixed["interface endpoints"] == len(interface_endpoints(closed())) * len(closed().zones)
    assert "NAT gateways" not in fixed
    assert "public addresses" not in fixed
    assert not planning(closed()).volume_terms.nat  # type: ignore[union-attr]
    assert {one.name: one.count for one in charges(closed(internal=False), TODAY).fixed}["public addresses"] == len(
        closed().zones
    )


def test_an_issuer_that_may_be_in_the_internet_is_warned_about() -> None:
    gateway = closed().gateway
    assert gateway is not None
    issued = closed().model_copy(
        update={"gateway": gateway.model_copy(update={"certificate": AwsCertificate(issuer="letsencrypt")})}
    )
    (warning,) = planning(issued).warnings(TODAY)
    assert "letsencrypt gets no certificate by ACME from" in warning
    assert planning(closed()).warnings(TODAY) == ()


ABOVE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/slipway/staging/platform"


def with_gpus() -> AwsSettings:
    """The same, with a pool of GPUs, so that all charts are there."""
    gpus = AwsNodePool.model_validate(
        {"name": "l4", "accelerator": "L4", "gpus": 1, "instance_types": ["g6.2xlarge"], "max_nodes": 2}
    )
    return closed().model_copy(update={"node_pools": (*closed().node_pools, gpus)})


def test_every_chart_takes_its_images_from_copies_that_are_made_before() -> None:
    run = run_program(program_of("staging", with_gpus()), "staging")
    releases = {one.inputs["chart"]: one for one in run.of("kubernetes:helm.sh/v3:Release")}
    # Definitions alone run nothing.
    assert set(releases) == {chart.chart for chart in (*PLATFORM_IMAGES, KARPENTER_DEFINITIONS)}
    copies = {one.inputs["repository"]: one for one in run.of("slipway:image:ModelImage")}
    repositories = {one.inputs["name"]: one for one in run.of("aws:ecr/repository:Repository")}
    for chart in PLATFORM_IMAGES:
        assert ABOVE in json.dumps(releases[chart.chart].inputs["values"]), chart
        for image in PLATFORM_IMAGES[chart]:
            repository = f"{ABOVE}/{copy_path(image)}"
            assert copies[repository].inputs["tag"] == image.partition("@")[0].rpartition(":")[2]
            assert repositories[repository.partition("/")[2]].urn in run.before(releases[chart.chart]), image


def test_what_a_chart_is_told_besides_stays(run: Run) -> None:
    (found,) = [one for one in run.of("kubernetes:helm.sh/v3:Release") if one.inputs["chart"] == KARPENTER.chart]
    controller = found.inputs["values"]["controller"]
    assert controller["image"] == {"repository": f"{ABOVE}/karpenter/controller", "digest": ""}
    assert controller["env"]
    assert found.inputs["values"]["settings"]["isolatedVPC"] is True


def test_what_holds_the_least_nodes_runs_a_copy(run: Run) -> None:
    images = [
        one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in run.manifests("Deployment")
        if one["metadata"]["name"].startswith("floor-")
    ]
    assert images
    assert all(image.startswith(f"{ABOVE}/pause:3.10@sha256:") for image in images)


def test_envoy_is_started_from_its_copy(run: Run) -> None:
    (proxy,) = run.manifests("EnvoyProxy")
    assert f"{ABOVE}/envoyproxy/envoy:distroless-v1.39.1" in json.dumps(proxy)


def test_a_network_with_nat_has_no_copies() -> None:
    run = run_of("staging")
    assert not [one for one in run.of("aws:ecr/repository:Repository") if "/platform/" in one.inputs["name"]]
    assert "/platform/" not in json.dumps([one.inputs["values"] for one in run.of("kubernetes:helm.sh/v3:Release")])


def test_two_images_never_share_a_copy() -> None:
    images = {image for chart in PLATFORM_IMAGES for image in PLATFORM_IMAGES[chart]}
    assert len({copy_path(image) for image in images}) == len(images)
