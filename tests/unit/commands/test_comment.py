"""The comment of a pull request: what it says, that GitHub reads none of a stranger's text in it, and its length."""

import json
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped] # it has no types
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from slipway.cli import cli
from slipway.commands.inspecting.comment import LIMIT, MARKER, comment
from slipway.commands.inspecting.snapshot import EnvironmentSnapshot, ModelSnapshot, MonthlyUsd, Snapshot

OURS = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "ul", "li", "strong"}
HOSTILE = (
    "@maintainer",
    "`@maintainer`",
    "``` `` `",
    "a | b | c",
    "a \\| b",
    "back\\",
    "<img src=x onerror=alert(1)>",
    "</code><a href=//evil.example>x</a>",
    "<!-- slipway-preview -->",
    "[click](https://evil.example)",
    "https://evil.example #1 owner/repository#2",
    "&#64;maintainer",
    "line\n\n# heading",
    "\n```\n@maintainer\n```\n",
    "\x1b[31m\u202eright to left\u2028",
    "",
    " ",
)


def model(name: str = "digits", release: str = "aaaa", **changes: object) -> ModelSnapshot:
    given = {"name": name, "version": "1.0.0", "release": release, "pool": "cpu", "replicas_min": 1, "replicas_max": 4}
    return ModelSnapshot.model_validate(given | {"usd": MonthlyUsd(min=10, max=40)} | changes)


def environment(*models: ModelSnapshot, name: str = "dev", **changes: object) -> EnvironmentSnapshot:
    given = {"name": name, "planned": True, "models": models, "usd": MonthlyUsd(min=500, max=520.5), "budget_usd": 900}
    return EnvironmentSnapshot.model_validate(given | {"warnings": ()} | changes)


def snapshot(*environments: EnvironmentSnapshot, refused: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(format=1, environments=environments, refused=refused)


class Read(HTMLParser):
    """What GitHub's own Markdown makes of a comment: its tags, texts inside and outside of code, and rows of tables."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.code: list[str] = []
        self.plain: list[str] = []
        self.cells: list[int] = []
        self.comments: list[str] = []
        self._inside = False
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, cmarkgfm.Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs, (tag, attrs)
        self.tags.add(tag)
        if tag == "code":
            self._inside = True
            self.code.append("")
        elif tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code[-1] += data
        else:
            self.plain.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def hostile(text: str) -> str:
    """The comment of two snapshots that have a text wherever a stranger could put one."""
    before = model(text, "a", version=text + "1", pool=text + "2")
    after = model(text, "b", version=text, pool=text, rollout=(text,))
    head = environment(after, model(text + "new"), name=text, warnings=(text,))
    return comment(snapshot(head, refused=(text,)), snapshot(environment(before, model(text + "old"), name=text)))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_strangers_text_is_read_as_markdown_html_or_a_mention(text: str) -> None:
    read = Read(hostile(text))
    assert read.tags <= OURS
    assert read.cells == [6] * 4
    assert len(read.comments) == 1
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text).strip() or "-"
    assert read.code.count(shown) >= 4  # heading, name, finding, warning
    assert not any("@" in part or "evil" in part or "maintainer" in part for part in read.plain)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_text_at_all_leaves_its_code_span(text: str) -> None:
    read = Read(hostile(text))
    plain = Read(hostile("x"))
    assert read.tags <= OURS
    assert read.cells == plain.cells
    assert read.plain == plain.plain
    assert len(read.code) == len(plain.code)


def test_a_table_says_what_becomes_of_each_release_and_what_it_costs() -> None:
    before = snapshot(environment(model("digits"), model("gone"), model("speech")))
    after = environment(
        model("digits", "bbbb", version="1.1.0", pool="g", replicas_max=8, usd=MonthlyUsd(min=12, max=96.0)),
        model("fresh", replicas_max=1),
        model("speech"),
        usd=MonthlyUsd(min=510, max=1001),
    )
    lines = comment(snapshot(after), before).splitlines()
    assert lines[0] == MARKER
    table = [line for line in lines if line.startswith("| ")][2:]
    assert table == [
        "| **changed** | `digits` | `1.0.0` → `1.1.0` | `cpu` → `g` | `1-4` → `1-8` | 12.00-96.00 (+2.00 to +56.00) |",
        "| new | `fresh` | `1.0.0` | `cpu` | `1` | 10.00-40.00 |",
        "| **removed** | `gone` | `1.0.0` | `cpu` | `1-4` | - |",
        "| unchanged | `speech` | `1.0.0` | `cpu` | `1-4` | 10.00-40.00 |",
    ]
    assert (
        "Models: 1 **changed**, 1 **removed**, 1 new, 1 unchanged. In all, USD 510.00-1,001.00 (+10.00 to +480.50) a "
        "month; budget USD 900, **above its budget**."
    ) in lines


def test_how_a_changed_release_is_judged_is_said_and_of_a_new_or_unchanged_one_nothing() -> None:
    head = [model(name, "b", rollout=(f"steps of {name}", "costs")) for name in ("changed", "fresh")]
    same = model("same", rollout=("steps of same",))
    text = comment(snapshot(environment(*head, same)), snapshot(environment(model("changed", "a"), same)))
    assert "Judged beside the release that serves:\n\n- `changed: steps of changed`\n- `changed: costs`\n" in text
    assert "steps of fresh" not in text
    assert "steps of same" not in text
    assert "steps of same" in comment(snapshot(environment(same)), None), "nothing is known of what serves"


def test_refused_files_are_named_once_and_their_environments_are_not_planned() -> None:
    refused = environment(planned=False, usd=None, budget_usd=None)
    text = comment(snapshot(refused, refused=("models/digits.yaml:8: wrong",)), snapshot(environment(model())))
    assert "**Refused: 1 finding**\n\n- `models/digits.yaml:8: wrong`" in text
    assert "Refused: not planned, see the findings." in text
    assert "| --- |" not in text


def test_nothing_is_compared_with_what_was_refused_or_is_not_there() -> None:
    head = snapshot(environment(model()))
    refused = comment(head, snapshot(environment(planned=False, usd=None)))
    assert "Refused on the base branch: nothing is compared." in refused
    assert "| not compared | `digits` |" in refused
    missing = comment(head, None)
    assert "The base branch has no snapshot: nothing is compared." in missing
    assert "| not compared | `digits` |" in missing


def test_a_new_environment_is_all_new_and_one_that_is_gone_is_said() -> None:
    text = comment(snapshot(environment(model(), name="new")), snapshot(environment(model(), name="old")))
    assert "| new | `digits` |" in text
    assert "Settings removed, which destroys nothing by itself; `slipway down` does:\n\n- `old`" in text


def test_a_cluster_without_prices_has_none() -> None:
    text = comment(snapshot(environment(model(usd=None), usd=None, budget_usd=None)), None)
    assert "No price is known of this cluster." in text


@pytest.mark.parametrize(
    ("environments", "models", "findings"), [(1, 3000, 0), (1, 0, 3000), (3, 700, 700), (300, 3, 9), (1000, 0, 0)]
)
def test_a_comment_of_any_size_fits_and_counts_what_it_leaves_out(
    environments: int, models: int, findings: int
) -> None:
    long = "`|@" * 1000
    some = [
        environment(
            *(model(f"{i:04}{long}", f"{i % 2}", version=long, pool=long) for i in range(models)),
            name=f"{number}{long}",
            warnings=(long,) * findings,
        )
        for number in range(environments)
    ]
    head = snapshot(*some, refused=(long,) * findings)
    text = comment(head, snapshot())
    assert len(text) <= LIMIT
    assert text.startswith(MARKER)
    if models or findings:
        assert "not shown" in text
    assert Read(text).tags <= OURS


def test_the_command_reads_both_files_and_writes_nothing_but_the_comment(tmp_path: Path) -> None:
    for name in ("head", "base"):
        (tmp_path / name).write_text(snapshot(environment(model(name=":warning:"))).model_dump_json())
    result = CliRunner().invoke(cli, ["comment", str(tmp_path / "head"), "--base", str(tmp_path / "base")])
    assert result.exit_code == 0
    assert result.stdout.startswith(MARKER + "\n## Slipway preview\n")
    assert "| unchanged | `:warning:` |" in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Invalid JSON"),
        (b"\x00\xff", "Invalid JSON"),
        (b"[]", "the document"),
        (b'{"format": 2, "environments": [], "refused": []}', "format: Input should be 1"),
        (b'{"format": 1, "environments": [], "refused": [], "more": 1}', "more: Extra inputs are not permitted"),
        (
            b'{"format": 1, "environments": [{"name": 1}], "refused": []}',
            "environments.0.name: Input should be",
        ),
        (json.dumps({"format": 1, "environments": [], "refused": ["x" * 4001]}).encode(), "at most 4000 characters"),
        (b" " * (16 * 2**20 + 1), "is longer than 16 MiB"),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused_with_its_field(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "head.json"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["comment", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert said in str(result.exception)
    assert f"{file}: " in str(result.exception)


def test_a_price_that_is_no_number_is_refused(tmp_path: Path) -> None:
    text = snapshot(environment(model())).model_dump_json()
    file = tmp_path / "head.json"
    for price in ("NaN", "-1", "1e400"):
        file.write_text(text.replace("520.5", price))
        result = CliRunner().invoke(cli, ["comment", str(file)])
        assert "environments.0.usd.max" in str(result.exception) or "Invalid JSON" in str(result.exception), price
