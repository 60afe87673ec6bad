"""Large weights on their way: how often `slipway` reads them, what it holds of them, and how often they are sent."""

from collections.abc import Iterator

import obstore

from tests.bench import tables
from tests.support.large_weights import MODEL_STORE, Run, give_credentials, measured, open_store, write_large
from tests.support.workbench import Workbench

GIBI = 2**30
_FEW = 256 * 2**20
"""What a run reads and holds besides: its own program, the cluster's answers."""


def travel(bench: Workbench, size: int) -> tuple[str, int]:
    """Bring a model with `size` bytes of weights into service, then change its spec's text, then its scale.

    Returns the table, and how many runs did what none should: read the weights more than once, held them, sent them
    again, or failed.
    """
    bench.write_settings(model_store=MODEL_STORE | {"prefix": bench.environment})
    bench.write("first")
    assert bench.up().returncode == 0
    give_credentials(bench)
    memory = f"{size // GIBI + 2}Gi"
    spec = write_large(
        bench, "large", size, resources={"cpu": "100m", "memory": memory}, rollout={"strategy": "recreate"}
    )
    faults, rows = 0, []
    try:
        for what, reads, run in _runs(bench, str(spec)):
            objects = [one for batch in obstore.list(open_store(), bench.environment) for one in batch]
            sent = sum(line.endswith("100 % of " + _mebi(size) + " uploaded") for line in run.said.splitlines())
            wrong = run.code != 0 or run.peak_bytes > 2 * _FEW or run.read_bytes > reads * size + _FEW
            faults += wrong
            rows.append(
                [
                    what,
                    f"{run.read_bytes / GIBI:.2f} GiB",
                    f"{run.peak_bytes / 2**20:.0f} MiB",
                    "once" if sent else "no",
                    f"{sum(one['size'] for one in objects) / GIBI:.2f} GiB",
                    f"{run.took_s:.0f} s",
                    "fault" if wrong else "none",
                ]
            )
            if run.code:
                rows.append([run.said[-600:].replace("\n", " "), *[""] * 6])
    finally:
        for batch in obstore.list(open_store(), bench.environment):
            obstore.delete(open_store(), [one["path"] for one in batch])
    head = ["run", "read", "largest memory", "sent", "in the store", "took", "faults"]
    return f"Weights of {size / GIBI:.0f} GiB.\n\n{tables.table(head, rows)}", faults


def _mebi(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _runs(bench: Workbench, spec: str) -> Iterator[tuple[str, int, Run]]:
    """Each run, by name, and how often it may read the weights."""
    path = bench.folder / "models" / spec
    yield "`plan`, of a new file", 1, measured(bench, "plan", bench.environment)
    yield "`up`", 1, measured(bench, "up", bench.environment, "--yes")
    path.write_text(path.read_text().replace("owner: tests", "owner: others"))
    yield "`up`, another owner in the spec", 0, measured(bench, "up", bench.environment, "--yes")
    path.write_text(path.read_text().replace("cpu: 100m", "cpu: 90m"))
    yield "`up`, less CPU in the spec", 0, measured(bench, "up", bench.environment, "--yes")
