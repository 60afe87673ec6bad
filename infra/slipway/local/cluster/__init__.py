"""A one-node Kubernetes cluster on this machine, from one Go program and the distribution's containerd.

What it is not: NetworkPolicy objects are accepted but not enforced, a pod has no hostPort and no way out of
the machine, and a power cut may damage its state (then `slipway local down` and `slipway local up` make a new one).
"""

from slipway.local.cluster.facts import Tools
from slipway.local.cluster.lifecycle import start, status, stop

__all__ = ["Tools", "start", "status", "stop"]
