"""Run the benchmarks one after the other, print their tables, and write them into docs/reference/benchmarks.md.

slipway local run -- python -m tests.bench [--quick] [PART]...
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.errors.base import SlipwayError
from slipway.local.host.errors import LocalError
from tests.bench import fleet, machine, plan_render, recovery, simulation, tables
from tests.bench.gateway import measure as gateway
from tests.bench.gateway import table as gateway_table
from tests.bench.judging import measure as judging
from tests.bench.scaling import measure as scaling

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "benchmarks.md"
_SERVER_LIMIT_S = 3600


def main() -> int:
    """Run the parts that are named, all when none is; 1 when one of them could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; all of them when none is named"
    )
    parser.add_argument(
        "--quick", action="store_true", help="less of everything, and docs/reference/benchmarks.md is not written"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.parts) - set(_PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    failed = []
    for name in arguments.parts or _PARTS:
        say(f"== {name}")
        about = machine.describe()
        try:
            text = _PARTS[name](arguments.quick)
        except (LocalError, SlipwayError, RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or ""
            say(f"{name} could not be measured: {error}\n{said}".rstrip())
            failed.append(name)
            continue
        block = f"Measured on {about}.\n\n{text}"
        print(block, flush=True)
        if not arguments.quick:
            PAGE.write_text(tables.replaced(PAGE.read_text(), name, block))
    return 1 if failed else 0


def say(text: str) -> None:
    """Tell what goes on; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def _plan(quick: bool) -> str:
    result = plan_render.measure(models=1000, rounds=1 if quick else 5, releases=5 if quick else 50, say=say)
    return tables.of_plan(result)


def _fleet(quick: bool) -> str:
    return tables.of_fleets(fleet.measure([2, 4] if quick else [5, 10, 20, 40], say))


def _recovery(quick: bool) -> str:
    return tables.of_recovery(recovery.measure(1 if quick else 5, say))


def _server(quick: bool, *more: str) -> str:
    """The model server's own benchmark, which ends with 1 when it is not ahead; its figures say so, too."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.bench.server.bench_server", "--json", str(figures)]
        command += more
        command += ["--seconds", "1", "--rounds", "1"] if quick else []
        subprocess.run(command, check=False, timeout=_SERVER_LIMIT_S, stdout=sys.stderr)
        if not figures.exists():
            raise RuntimeError("the server's benchmark ended without figures, see above")
        read: dict[str, Any] = json.loads(figures.read_text())
    return tables.of_server(read)


def _upstream(quick: bool) -> str:
    return _server(quick, "--upstream")


def _scaling(quick: bool) -> str:
    return scaling.run(quick=quick, say=say)


def _gateway(quick: bool) -> str:
    return gateway_table.of_gateway(gateway.measure(5 if quick else 20, say))


def _judging(quick: bool) -> str:
    return judging.run(quick=quick, say=say)


def _simulation(quick: bool) -> str:
    return tables.of_simulation(simulation.measure(20_000 if quick else 1_000_000, 1 if quick else 3, say))


_PARTS: dict[str, Callable[[bool], str]] = {
    "plan": _plan,
    "fleet": _fleet,
    "recovery": _recovery,
    "server": _server,
    "upstream": _upstream,
    "gateway": _gateway,
    "judging": _judging,
    "scaling": _scaling,
    "simulation": _simulation,
}
