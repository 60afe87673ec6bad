"""Write the kubeconfig of a cluster of EKS: no credential is in it, the AWS CLI gives tokens when they are needed."""

import json

from slipway.values import names


def kubeconfig(environment: str, region: str, endpoint: str, authority: str, proxy: str | None = None) -> str:
    """Return a kubeconfig as JSON with one context, named as the cluster.

    Args:
        environment: whose cluster it is.
        region: of the cluster.
        endpoint: URL of its API server.
        authority: certificate of the authority of its API server, PEM in base64.
        proxy: URL of the proxy that leads to it, for whoever needs one.
    """
    name = names.cluster(environment)
    token = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": token,
        "interactiveMode": "Never",
    }
    cluster = {"server": endpoint, "certificate-authority-data": authority}
    if proxy is not None:
        cluster["proxy-url"] = proxy
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"exec": login}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
