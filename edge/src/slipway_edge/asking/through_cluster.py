"""Ask a version its golden request by way of the API server: from wherever the kubeconfig works."""

import time

from slipway_edge.asking.golden import SIZE_LIMIT, Answer, answered
from slipway_edge.cluster.api import said
from slipway_edge.cluster.own import Own
from slipway_edge.cluster.pods import newest, ready
from slipway_edge.values.document import Check, canonical


class ClusterAsker:
    """Asks the pod of a version; what it takes is measured with the API server's part."""

    def __init__(self, own: Own) -> None:
        self._own = own

    def ask(self, address: tuple[str, int], check: Check) -> Answer:
        """Ask once; `address`: digest of the version's entry, and port.

        Raises:
            Away: the API server does not answer, or refuses: that says nothing of the version.
        """
        digest, port = address
        pod = newest(self._own.all("Pod", digest))
        if pod is None:
            return Answer(0.0, "no answer: it has no pod", settled=False)
        name, began = pod["metadata"]["name"], time.monotonic()
        try:
            status, body = self._own.api.post(
                name, port, check.path, canonical(check.request), check.timeout_s, SIZE_LIMIT
            )
        except TimeoutError:
            return Answer(time.monotonic() - began, f"no answer within {check.timeout_s:g} s", settled=False)
        took_s = time.monotonic() - began
        if status != 200 and said(body):
            # The pod is gone, or does not listen yet: nobody was reached.
            return Answer(took_s, f"no answer: status {status} of the API server", settled=False)
        answer = answered(status, body, took_s, check)
        if answer.right and not ready(pod):
            return Answer(took_s, "a right answer, but no Service leads to its pod yet", settled=False)
        return answer
