"""docs/how-to/aws.md is a walk: its steps are in order, and what is marked is what no rehearsal can show."""

from tests.support.pages import ACCOUNT_ONLY, Command, Edit, steps
from tests.support.workbench import ROOT

PAGE = (ROOT / "docs/how-to/aws.md").read_text()
STEPS = list(steps(PAGE))
WALK = [step for step in STEPS if step.section.startswith("Once round")]


def test_the_walk_has_every_step_in_order() -> None:
    texts = [step.text for step in WALK if isinstance(step, Command) and not step.marked]
    wanted = [
        "doctor",
        "plan",
        "up",
        "predict",
        "plan",
        "up",
        "verify",
        "plan",
        "up",
        "rotate",
        "verify",
        "down",
        "down",
    ]
    words = [text.split()[1] for text in texts]
    rest = iter(words)
    assert all(word in rest for word in wanted), words
    assert [step.file for step in WALK if isinstance(step, Edit)] == [
        "stacks/Pulumi.dev.yaml",
        "models/speech.yaml",
        "stacks/Pulumi.dev.yaml",
        "stacks/Pulumi.dev.yaml",
    ]


def test_the_page_says_what_its_marks_mean_and_every_mark_is_of_a_command() -> None:
    marked = [step for step in STEPS if isinstance(step, Command) and step.marked]
    # It is explained at the beginning, and named in the last table.
    assert PAGE.count(ACCOUNT_ONLY) == len(marked) + 2
    assert len(marked) < sum(isinstance(step, Command) for step in STEPS) / 2
