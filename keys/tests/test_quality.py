"""Measures over a real PostgreSQL are scikit-learn's; windows by time and by number have what they say, and no more."""

import math
import random
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from ledger_reading import Books
from sklearn import metrics
from slipway_keys.database import ledger, quality
from slipway_keys.database.quality import Asked, Feedback
from slipway_keys.values.quality import Quality
from slipway_keys.values.route import QualitySection

DAY_S = 86_400.0
CLASSES = QualitySection(task="classification", within_s=7 * DAY_S, window_s=DAY_S, path="/f")
SPAM = CLASSES.model_copy(update={"positive": "spam"})
NUMBERS = CLASSES.model_copy(update={"task": "regression"})


def answered(books: Books, *answers: tuple[str, str, float | None], version: str = "1.0.0", model: str = "m") -> None:
    """Write what a model answered: id, class or number, score."""
    now = books.query("SELECT extract(epoch FROM now())::double precision AS at")[0]["at"]
    lines = [
        {
            "kind": "answer", "model": model, "request_id": key, "version": version, "at": now, "keep_s": 8 * DAY_S,
            "predicted": [said], "scores": None if score is None else [score],
        }
        for key, said, score in answers
    ]  # fmt: skip
    assert books.run(ledger.write(books.database, orjson.dumps(lines)))["answer"] == len(answers)


def labelled(books: Books, labels: dict[str, str], model: str = "m") -> list[str]:
    items = [Feedback(key, 0, label, None, None) for key, label in labels.items()]
    return books.run(quality.give(books.database, model, items, 7 * DAY_S))


def measured(books: Books, section: QualitySection, asked: Asked | None = None) -> list[Quality]:
    return books.run(quality.measure(books.database, "m", section, asked or Asked(seconds=DAY_S)))


@pytest.fixture
def migrated(books: Books) -> Books:
    books.migrate()
    return books


def drawn(seed: int, rows: int, names: list[str]) -> tuple[list[str], list[str], list[float]]:
    """What a model said that is right now and then, what was right, and scores with many that are equal."""
    chance = random.Random(seed)
    truth = [chance.choice(names) for _ in range(rows)]
    said = [label if chance.random() < 0.6 else chance.choice(names) for label in truth]
    scores = [round(chance.random() * 0.7 + 0.3 * (label == names[0]), 1) for label in truth]
    return said, truth, scores


def given(books: Books, said: list[str], truth: list[str], scores: list[float]) -> None:
    answered(books, *((f"r-{n}", one, score) for n, (one, score) in enumerate(zip(said, scores, strict=True))))
    assert labelled(books, {f"r-{n}": label for n, label in enumerate(truth)}) == ["joined"] * len(truth)


def test_measures_of_many_classes_are_scikit_learns_means(migrated: Books) -> None:
    said, truth, scores = drawn(1, 700, ["0", "1", "2", "cat", "ü"])
    said[:3] = ["never right"] * 3  # a class that only the model names
    given(migrated, said, truth, scores)
    (found,) = measured(migrated, CLASSES)
    asked: dict[str, Any] = {"average": "macro", "zero_division": 0}
    assert found.measures == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, said),
            "precision": metrics.precision_score(truth, said, **asked),
            "recall": metrics.recall_score(truth, said, **asked),
            "f1": metrics.f1_score(truth, said, **asked),
        },
        abs=1e-12,
    )
    names = sorted({*said, *truth})
    each = metrics.precision_recall_fscore_support(truth, said, labels=names, zero_division=0)
    ours = [(one.precision, one.recall, one.f1, one.support) for one in found.classes]
    assert [one.label for one in found.classes] == names
    assert np.array(ours) == pytest.approx(np.array(each).T, abs=1e-12)
    matrix = np.zeros((len(names), len(names)), int)
    for cell in found.confusion:
        matrix[names.index(cell.label), names.index(cell.predicted)] = cell.times
    assert (matrix == metrics.confusion_matrix(truth, said, labels=names)).all()


def test_measures_of_a_positive_class_are_scikit_learns_with_the_area_under_the_curve(migrated: Books) -> None:
    said, truth, scores = drawn(2, 600, ["spam", "ham"])
    given(migrated, said, truth, scores)
    (found,) = measured(migrated, SPAM)
    asked: dict[str, Any] = {"pos_label": "spam", "zero_division": 0}
    assert found.measures == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, said),
            "precision": metrics.precision_score(truth, said, **asked),
            "recall": metrics.recall_score(truth, said, **asked),
            "f1": metrics.f1_score(truth, said, **asked),
            "roc_auc": metrics.roc_auc_score([label == "spam" for label in truth], scores),
        },
        abs=1e-12,
    )


def test_labels_of_one_class_alone_have_no_area(migrated: Books) -> None:
    given(migrated, ["spam", "ham"], ["spam", "spam"], [0.9, 0.2])
    (found,) = measured(migrated, SPAM)
    assert set(found.measures) == {"accuracy", "precision", "recall", "f1"}


def test_errors_of_numbers_are_scikit_learns(migrated: Books) -> None:
    chance = random.Random(3)
    truth = [chance.uniform(-1e6, 1e6) for _ in range(500)]
    said = [value + chance.gauss(0, 1000) for value in truth]
    given(migrated, [repr(one) for one in said], [repr(one) for one in truth], [0.0] * 500)
    (found,) = measured(migrated, NUMBERS)
    expected = {
        "rmse": metrics.root_mean_squared_error(truth, said),
        "mae": metrics.mean_absolute_error(truth, said),
    }
    assert found.measures == pytest.approx(expected, rel=1e-12)


def test_versions_are_measured_apart_and_one_alone_where_it_is_asked_for(migrated: Books) -> None:
    answered(migrated, ("a", "1", None), ("b", "1", None), version="1.0.0")
    answered(migrated, ("c", "1", None), version="1.1.0")
    labelled(migrated, {"a": "1", "b": "2", "c": "1"})
    assert {one.version: one.measures["accuracy"] for one in measured(migrated, CLASSES)} == {"1.0.0": 0.5, "1.1.0": 1}
    alone = measured(migrated, CLASSES, Asked(seconds=DAY_S, version="1.1.0"))
    assert [(one.version, one.labels) for one in alone] == [("1.1.0", 1)]


def test_windows_go_by_when_feedback_came(migrated: Books) -> None:
    given(migrated, ["1"] * 5, ["1", "1", "2", "2", "2"], [0.0] * 5)
    for hours, key in enumerate(("r-0", "r-1", "r-2", "r-3", "r-4")):
        ago = timedelta(hours=hours, minutes=30)
        migrated.query("UPDATE quality SET labelled_at = now() - $1::interval WHERE request_id = $2", ago, key)
    (last_two,) = measured(migrated, CLASSES, Asked(seconds=7200))
    assert (last_two.labels, last_two.measures["accuracy"]) == (2, 1.0)
    (newest_four,) = measured(migrated, CLASSES, Asked(labels=4))
    assert (newest_four.labels, newest_four.measures["accuracy"]) == (4, 0.5)


def test_without_feedback_there_is_nothing(migrated: Books) -> None:
    answered(migrated, ("a", "1", None))
    assert measured(migrated, CLASSES) == []


def test_ratings_and_outcomes_are_means_beside_the_labels(migrated: Books) -> None:
    answered(migrated, ("a", "1", None), ("b", "1", None))
    items = [Feedback("a", 0, None, 4, None), Feedback("b", 0, "1", 2, 12.5)]
    assert migrated.run(quality.give(migrated.database, "m", items, DAY_S)) == ["joined", "joined"]
    (found,) = measured(migrated, CLASSES)
    assert (found.feedbacks, found.labels, found.ratings, found.outcomes) == (2, 1, 2, 1)
    assert (found.measures["rating"], found.measures["outcome"]) == (3, 12.5)


def test_labels_that_are_no_classes_are_told(migrated: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_CELLS", 3)
    given(migrated, ["1"] * 4, ["a", "b", "c", "d"], [0.0] * 4)
    with pytest.raises(quality.TooManyClassesError):
        measured(migrated, CLASSES)


def test_feedback_joins_its_answer_once_whichever_comes_first(migrated: Books) -> None:
    assert labelled(migrated, {"early": "7"}) == ["waiting"]
    assert labelled(migrated, {"early": "7"}) == ["twice"]
    answered(migrated, ("early", "7", None), ("late", "3", None))
    assert labelled(migrated, {"early": "7", "late": "4"}) == ["twice", "joined"]
    assert labelled(migrated, {"late": "3"}) == ["corrected"]
    assert labelled(migrated, {"late": "3"}) == ["twice"]
    (found,) = measured(migrated, CLASSES)
    assert (found.labels, found.measures["accuracy"]) == (2, 1.0)


def test_an_answer_that_is_written_twice_counts_once(migrated: Books) -> None:
    answered(migrated, ("a", "1", None))
    with pytest.raises(AssertionError):
        answered(migrated, ("a", "2", None))
    labelled(migrated, {"a": "1"})
    (found,) = measured(migrated, CLASSES)
    assert (found.labels, found.measures["accuracy"]) == (1, 1.0)


def test_feedback_on_another_models_answer_is_not_that_answers(migrated: Books) -> None:
    answered(migrated, ("a", "1", None), model="m")
    assert labelled(migrated, {"a": "2"}, model="other") == ["waiting"]
    assert measured(migrated, CLASSES) == []


def test_feedback_on_an_answer_that_is_too_old_is_late_and_changes_nothing(migrated: Books) -> None:
    answered(migrated, ("a", "1", None))
    migrated.query("UPDATE quality SET answered_at = now() - interval '7 days 1 second'")
    assert labelled(migrated, {"a": "1"}) == ["late"]
    assert measured(migrated, CLASSES) == []


def test_so_much_waits_and_what_else_has_no_answer_is_unknown(migrated: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_WAITING", 2)
    answered(migrated, ("z", "1", None))
    labels = {"a": "1", "b": "1", "c": "1", "z": "1"}
    assert labelled(migrated, labels) == ["waiting", "waiting", "unknown", "joined"]
    assert migrated.query("SELECT count(*) FROM quality")[0][0] == 3


def test_what_has_had_its_time_goes_and_what_waited_in_vain_is_counted(migrated: Books) -> None:
    answered(migrated, ("old", "1", None), ("new", "1", None))
    labelled(migrated, {"nobody": "1", "new": "1"})
    migrated.query("UPDATE quality SET expires_at = now() - interval '1 s' WHERE request_id <> 'new'")
    assert migrated.run(quality.sweep(migrated.database)) == ({"m": 1}, 0)
    assert [row["request_id"] for row in migrated.query("SELECT request_id FROM quality")] == ["new"]


def test_more_rows_than_there_is_room_for_make_room_by_age(migrated: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_ROWS", 100)
    answered(migrated, *((f"r-{n}", "1", None) for n in range(130)))
    migrated.query("UPDATE quality SET expires_at = expires_at + make_interval(secs => substr(request_id, 3)::integer)")
    migrated.query("ANALYZE quality")
    waited, early = migrated.run(quality.sweep(migrated.database))
    assert (waited, early) == ({}, 29)
    assert migrated.query("SELECT min(substr(request_id, 3)::integer) AS first FROM quality")[0]["first"] == 29
    assert math.isclose(migrated.query("SELECT count(*) FROM quality")[0][0], 101)
