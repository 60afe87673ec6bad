"""A stand-in for `aws eks get-token`, which kubeconfigs of EKS call; any other command is the AWS CLI's own.

The AWS CLI is the real one, of version 1, which speaks to moto as every client of a rehearsal does. For a token this
asks moto whether there is such a cluster in such a region, and prints a credential of the rehearsal's API server;
one that the API server does not know, as long as the cluster would not know who it is either. It imports nothing but
the standard library, because every connection to the cluster waits for it.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

MOTO = "SLIPWAY_REHEARSAL_MOTO"
KUBECONFIG = "SLIPWAY_REHEARSAL_KUBECONFIG"
KEPT = "SLIPWAY_REHEARSAL_KEPT"
"""The file of what the stand-in for AWS keeps."""
KNOWN_AFTER = timedelta(seconds=10)
"""As `slipway.local.plugins.aws.consistency` has it."""
_NOT_KNOWN_YET = "of-somebody-whom-the-cluster-does-not-know-yet"
_API = "client.authentication.k8s.io/v1beta1"


def main(arguments: list[str]) -> int:
    """Print the credential; an exit code. Does not return where the AWS CLI takes over."""
    if _region_last(arguments)[:2] != ["eks", "get-token"]:
        os.execv(sys.executable, [sys.executable, "-m", "awscli", *arguments])  # noqa: S606 - no shell is wanted
    parser = argparse.ArgumentParser(prog="aws", description=__doc__)
    services = parser.add_subparsers(dest="service", required=True)
    commands = services.add_parser("eks").add_subparsers(dest="command", required=True)
    get_token = commands.add_parser("get-token")
    get_token.add_argument("--cluster-name", required=True)
    get_token.add_argument("--region", required=True)
    get_token.add_argument("--output", choices=["json"])
    given = parser.parse_args(_region_last(arguments))
    scope = f"Credential=rehearsal/20260101/{given.region}/eks/aws4_request"
    request = urllib.request.Request(
        f"{os.environ[MOTO]}/clusters/{given.cluster_name}", headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    )
    try:
        urllib.request.urlopen(request, timeout=30).read()
    except urllib.error.HTTPError as error:
        print(f"no cluster {given.cluster_name} in {given.region}: {error.read().decode()}", file=sys.stderr)
        return 254
    kubeconfig = json.loads(Path(os.environ[KUBECONFIG]).read_text())
    known = kubeconfig["users"][0]["user"]["token"]
    status = {"token": known if _is_known(given.cluster_name) else _NOT_KNOWN_YET}
    print(json.dumps({"apiVersion": _API, "kind": "ExecCredential", "spec": {}, "status": status}))
    return 0


def _is_known(cluster: str) -> bool:
    """Whether somebody's access was given so long ago that the cluster knows of it."""
    policies = json.loads(Path(os.environ[KEPT]).read_text()).get("eks.access_policy", {})
    given = [record["at"] for key, record in policies.items() if key.startswith(f"{cluster}:")]
    return any(datetime.now(UTC) - datetime.fromisoformat(at) >= KNOWN_AFTER for at in given)


def _region_last(arguments: list[str]) -> list[str]:
    """`aws` takes its global options (--region, --output) before the service too: put them behind."""
    ahead: list[str] = []
    rest = list(arguments)
    while rest and rest[0] in ("--region", "--output"):
        ahead += rest[:2]
        rest = rest[2:]
    return rest + ahead


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
