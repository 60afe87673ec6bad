"""Commands that work offline, but for `plan --live` and `price --measured`: validate, plan, render, price and so on."""

from pathlib import Path
from typing import Any

import click

from slipway import console
from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, MODELS, open_environment, with_folders
from slipway.reading.folders import Folders


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@JSON
@with_folders
def validate(files: tuple[Path, ...], as_json: bool, folders: Folders) -> None:
    """Check specs, and every environment's settings against them, without a cluster.

    Without FILE, everything is checked; findings in all files are reported together.
    """
    from slipway.commands.inspecting.validating import validate_all  # noqa: PLC0415 - onnx is not for `--help`

    checked = validate_all(files, folders)
    if as_json:
        console.document({"valid": [str(item) for item in checked]})
    else:
        for item in checked:
            console.result(f"ok  {item}")


@cli.command()
@ENVIRONMENT
@MODELS
@click.option(
    "--of",
    "view",
    type=click.Choice(["deployment", "monitoring", "security", "business", "user"]),
    default="deployment",
    show_default=True,
    help="What is drawn.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File of the picture; else it is printed.")
@with_folders
def graph(environment: str, models: tuple[str, ...], view: Any, out: Path | None, folders: Folders) -> None:
    """Draw what is planned as SVG: the way into service, what is watched, who reaches what, a call, the bill."""
    from slipway.commands.inspecting.graph import show_graph  # noqa: PLC0415

    show_graph(open_environment(environment, folders, models or None), models, view, out)


@cli.command()
@ENVIRONMENT
@MODELS
@click.option("--live", is_flag=True, help="Ask the cluster too: what `up` changes of it, and why.")
@JSON
@with_folders
def plan(environment: str, models: tuple[str, ...], live: bool, as_json: bool, folders: Folders) -> None:
    """Show the plan of an environment: release, node pool and why, cold start and cost of each model.

    No cluster is asked, but with --live. Nothing is changed.
    """
    from slipway.commands.inspecting.offline import show_plan  # noqa: PLC0415

    show_plan(open_environment(environment, folders, models or None), models, as_json=as_json, live=live)


@cli.command()
@ENVIRONMENT
@MODELS
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder to write to; else standard output.")
@with_folders
def render(environment: str, models: tuple[str, ...], output: Path | None, folders: Folders) -> None:
    """Render the Kubernetes objects and Dockerfiles of a plan. Images are named by tag, since none is built."""
    from slipway.commands.inspecting.offline import render_all  # noqa: PLC0415

    render_all(open_environment(environment, folders, models or None), models, output)


@cli.command("scrape-config")
@ENVIRONMENT
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder to write to; else standard output.")
@with_folders
def scrape_config(environment: str, output: Path | None, folders: Folders) -> None:
    """Print what a Prometheus without its operator needs: which pods to scrape, and the rules of alerts.

    With --output, scrape.yaml is for its `scrape_config_files`, and rules.yaml for its `rule_files`.
    """
    from slipway.commands.inspecting.scraping import show_scrape_config  # noqa: PLC0415

    show_scrape_config(open_environment(environment, folders), output)


@cli.command()
@ENVIRONMENT
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@with_folders
def dashboards(environment: str, output: Path, folders: Folders) -> None:
    """Write dashboards for Grafana: one of the environment, and one of each model."""
    from slipway.commands.inspecting.dashboards import write_dashboards  # noqa: PLC0415

    write_dashboards(open_environment(environment, folders), output)


@cli.command()
@ENVIRONMENT
@click.option("--measured", is_flag=True, help="Ask the environment what it sends and writes down.")
@JSON
@with_folders
def price(environment: str, measured: bool, as_json: bool, folders: Folders) -> None:
    """Show what an environment costs per hour and month, by model and in total, against its budget.

    Traffic and logs are priced by what specs and settings expect, or with --measured by what
    its gateway and its account counted.
    """
    from slipway.commands.inspecting.prices import show_price  # noqa: PLC0415

    show_price(open_environment(environment, folders), as_json=as_json, measured=measured)


@cli.command()
@click.option("--since", required=True, metavar="REF", help="A branch, a tag or a commit of git's.")
@click.option(
    "--runners",
    metavar="JSON",
    help='Print on one line, as JSON, only which environments change that have a runner here: {"dev": "ubuntu-24.04"}.',
)
@JSON
@with_folders
def changed(since: str, runners: str | None, as_json: bool, folders: Folders) -> None:
    """Show which environments and models the files here make otherwise than those of REF did, and why.

    Both are planned by this Slipway, offline: what a newer one alone makes anew, `slipway plan --live` tells.
    Exit code 1 where a file here is wrong, once all others are shown.
    """
    from slipway.commands.inspecting.since import read_runners, show_changed  # noqa: PLC0415

    show_changed(since, folders, as_json=as_json, runners=None if runners is None else read_runners(runners))


@cli.command()
@with_folders
def snapshot(folders: Folders) -> None:
    """Plan and price every environment offline, and print it all as one JSON document for `slipway comment`.

    Where a finding stands in the way, the document says so, and the exit code is 1.
    """
    from slipway.commands.inspecting.snapshot import show_snapshot  # noqa: PLC0415

    show_snapshot(folders)


@cli.command()
@click.argument("head", type=click.Path(path_type=Path))
@click.option("--base", type=click.Path(path_type=Path), help="Snapshot of the branch that HEAD would be merged into.")
def comment(head: Path, base: Path | None) -> None:
    """Write a pull request's comment from the snapshot HEAD: what is deployed anew, what it costs, what is refused."""
    from slipway.commands.inspecting import comment as comments  # noqa: PLC0415

    text = comments.comment(comments.read_snapshot(head), comments.read_snapshot(base) if base else None)
    console.out.out(text, highlight=False)


@cli.command()
@click.argument("workflow")
@click.option("--results", required=True, metavar="JSON", help="What became of its jobs, as GitHub's `toJSON(needs)`.")
@click.option("--run", "url", required=True, metavar="URL", help="Where its run is to be seen.")
@click.option("--reports", type=click.Path(path_type=Path), help="Folder with what jobs said: dev.txt of job dev.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="File to write its text to.")
def issue(workflow: str, results: str, url: str, reports: Path | None, output: Path) -> None:
    """Write the issue about a run of WORKFLOW, and print what it should be: `open`, `closed`, or `unchanged`.

    Open where a job failed, closed where all went well; a run that somebody cancelled changes nothing.
    """
    from slipway.commands.inspecting.issue import write_issue  # noqa: PLC0415

    console.result(write_issue(workflow, results, url, reports, output))
