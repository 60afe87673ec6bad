"""The issue about a run that failed: when there should be one, what it says, and that nothing in it is markup."""

import json
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped] # it has no types
import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.inspecting.issue import LIMIT, marker
from slipway.errors.base import FileRefused, WrongValue

URL = "https://github.com/owner/project/actions/runs/7"


def run(folder: Path, results: object, *, workflow: str = "deploy", url: str = URL) -> Result:
    given = results if isinstance(results, str) else json.dumps(results)
    arguments = ["issue", workflow, "--results", given, "--run", url, "--reports", str(folder)]
    return CliRunner().invoke(cli, [*arguments, "--output", str(folder / "issue.md")])


def jobs(**results: str) -> dict[str, object]:
    return {name: {"result": result, "outputs": {"a": "b"}} for name, result in results.items()}


@pytest.mark.parametrize(
    ("results", "state"),
    [
        (jobs(test="success", dev="success", staging="skipped"), "closed"),
        (jobs(test="success", dev=""), "closed"),
        (jobs(test="success", dev="cancelled"), "unchanged"),
        (jobs(test="success", dev="failure"), "open"),
        (jobs(dev="cancelled", staging="failure"), "open"),
    ],
)
def test_there_is_an_issue_where_a_job_failed_and_none_where_all_went_well(
    tmp_path: Path, results: object, state: str
) -> None:
    done = run(tmp_path, results)
    assert (done.exit_code, done.stdout) == (0, f"{state}\n")
    assert (tmp_path / "issue.md").exists() == (state == "open")


def test_it_says_which_job_failed_and_what_that_said_last(tmp_path: Path) -> None:
    for name in ("dev", "staging"):
        (tmp_path / f"{name}.txt").write_text(f"first of {name}\n```\n@owner failed\x1b[31m\n")
    results = jobs(test="success", dev="success", staging="failure", prod="skipped")
    assert run(tmp_path, results).stdout == "open\n"
    text = (tmp_path / "issue.md").read_text()
    assert text.startswith(f"{marker('deploy')}\n`deploy` failed: `staging`. Its run: <{URL}>\n")
    assert "| `dev` | success |\n| `staging` | failure |\n| `prod` | skipped |" in text
    assert "The last that `staging` said:\n\n````\nfirst of staging\n```\n@owner failed [31m\n````\n" in text
    assert "first of dev" not in text
    html = cmarkgfm.github_flavored_markdown_to_html(text)
    assert html.count("<pre>") == 1
    assert html.index("<pre>") < html.index("@owner") < html.index("</pre>")


def test_a_job_that_left_no_report_is_said_to_have_left_none(tmp_path: Path) -> None:
    """As when its runner was lost."""
    run(tmp_path, jobs(dev="failure"))
    assert (
        "`dev` left no report: it failed before it did anything, or its runner was lost."
        in (tmp_path / "issue.md").read_text()
    )


def test_a_long_report_is_cut_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "dev.txt"
    path.write_text("\n".join(f"{number} {'x' * 2000}" for number in range(5000)))
    run(tmp_path, jobs(dev="failure"))
    text = (tmp_path / "issue.md").read_text()
    assert len(text) <= LIMIT
    assert "\n4999 xxx" in text
    assert "\n4000 xxx" not in text


@pytest.mark.parametrize(
    "results", ["", "[]", "{}", '{"dev": "failure"}', '{"dev": {"result": "lost"}}', '{"dev": {}}']
)
def test_what_is_no_result_of_jobs_is_refused(tmp_path: Path, results: str) -> None:
    error = run(tmp_path, results).exception
    assert isinstance(error, WrongValue)
    assert "--results: JSON: " in str(error)
    assert not (tmp_path / "issue.md").exists()


@pytest.mark.parametrize(
    ("workflow", "url"), [("deploy -->", URL), ("deploy", "javascript:alert(1)"), ("deploy", f"{URL}> @owner")]
)
def test_a_name_or_an_address_that_could_be_markup_is_refused(tmp_path: Path, workflow: str, url: str) -> None:
    error = run(tmp_path, jobs(dev="failure"), workflow=workflow, url=url).exception
    assert isinstance(error, WrongValue)


def test_a_report_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").mkdir()
    error = run(tmp_path, jobs(dev="failure")).exception
    assert isinstance(error, FileRefused)
    assert "dev.txt: cannot be read" in str(error)
