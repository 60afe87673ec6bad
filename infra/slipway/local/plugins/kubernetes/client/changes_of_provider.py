"""Tell whether a change of the provider's configuration leads to another cluster."""

from collections.abc import Mapping
from typing import Any

from slipway.local.plugins.kubernetes.client.clusters import server
from slipway.local.plugins.kubernetes.client.settings import parse
from slipway.local.plugins.protocol.properties import Object, plain
from slipway.local.plugins.protocol.service import changed_keys, difference


def compare(olds: Object, news: Object, environment: Mapping[str, str]) -> Any:
    """The answer to DiffConfig.

    Another cluster means that every object is made anew there. With a clusterIdentifier only that decides; else the
    address that the kubeconfig leads to does. An address that cannot be told (unknown or unreadable) counts as the
    same: to make a fleet anew by mistake is worse than to fail.
    """
    old, new = plain(olds), plain(news)
    changed = changed_keys(old, new)
    if not changed:
        return difference([], [])
    before, after = parse(old), parse(new)
    if before.clusterIdentifier or after.clusterIdentifier:
        moved = before.clusterIdentifier != after.clusterIdentifier
    else:
        addresses = server(before, environment), server(after, environment)
        moved = None not in addresses and addresses[0] != addresses[1]
    return difference(changed, changed if moved else [])
