"""The comment is never longer than it may be, says what it left out, and takes no text for markup."""

from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped] # it has no types
import pytest

from slipway.deploy.changes import Change
from slipway.preview.markdown import LIMIT, markdown
from slipway.preview.model import Downtime, ModelPreview, Preview
from slipway.preview.serving import Replicas, Serving

OURS = {
    "h2",
    "p",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "ul",
    "li",
    "details",
    "summary",
    "pre",
    "strong",
}


def model(name: str = "digits", lines: int = 3, why: str = "changed by you") -> ModelPreview:
    change = Change(name, ("a" * 16, "b" * 16), ("1.0.0", "1.1.0"), "changed", why)
    serving = Serving(Replicas(1, 4), "cpu", None, 0)
    diff = tuple(f"+  line {at} of the diff, `{at}`" for at in range(lines))
    return ModelPreview(change, "same", serving, serving, Downtime(False, "rolling"), ("rolling", ()), manifests=diff)


class Tags(HTMLParser):
    """Tags that GitHub's Markdown makes of a text, and the text outside of code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.plain = ""
        self._code = 0
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.Options.CMARK_OPT_UNSAFE))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        self.plain += "" if self._code else data


def test_what_fits_is_shown_whole() -> None:
    text = markdown(Preview("dev", (model(lines=500),)))
    assert "line 499 of the diff" in text
    assert "Cut:" not in text


@pytest.mark.parametrize(("models", "lines"), [(1, 100_000), (40, 200), (1_000, 5), (5_000, 0), (1_000, 400)])
def test_the_comment_is_never_longer_than_its_limit_and_says_what_was_cut(models: int, lines: int) -> None:
    text = markdown(Preview("dev", tuple(model(f"model-{at:04}", lines) for at in range(models))))
    assert len(text) <= LIMIT
    assert "Cut: " in text
    assert f"{models} changed" in text


def test_diffs_are_cut_before_models_are() -> None:
    text = markdown(Preview("dev", tuple(model(f"model-{at:02}", 400) for at in range(40))))
    assert all(f"| `model-{at:02}` |" in text for at in range(40))
    assert "Cut: 380 of 400 lines of the diff of its manifests." in text


@pytest.mark.parametrize(
    "text", ["@maintainer", "</code><img src=x>", "a | b", "``` `` `", "<!-- slipway-preview: prod -->", "\n# heading"]
)
def test_nothing_of_a_strangers_text_is_markup(text: str) -> None:
    one = model(why=text)
    hostile = Preview("dev", (one,), refused=(text,), warnings=(text,), nodes=(text,))
    read = Tags(markdown(hostile))
    assert read.tags <= OURS
    assert "maintainer" not in read.plain
    assert "heading" not in read.plain


def test_a_diff_cannot_end_its_block() -> None:
    one = model()
    escaping = ModelPreview(
        one.change, "same", one.now, one.then, one.downtime, one.rollout, manifests=("+ ````", "+ @maintainer")
    )
    assert "maintainer" not in Tags(markdown(Preview("dev", (escaping,)))).plain
