"""Load models of scikit-learn, XGBoost and LightGBM, and ask them."""

import json

import lightgbm
import numpy as np
import pickles
import signatures
import skops.io
import step
import xgboost
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline


def load(request):
    """The model of a request, by its format."""
    loaders = {
        "skops": _skops,
        "xgboost": _xgboost,
        "lightgbm": _lightgbm,
        "pickle": pickles.load,
        "joblib": pickles.load,
    }
    if request.format not in loaders:
        allowed = ", ".join(loaders)
        raise step.Refused(f"{request.format} is no format of these tools", allowed, "correct artifact.format")
    model = loaders[request.format](request.source)
    if not (hasattr(model, "predict") or hasattr(model, "transform")):
        raise step.Refused(
            f"the file holds {type(model).__name__}, which is no model",
            "an estimator of scikit-learn, XGBoost or LightGBM",
            "save the estimator itself, not what it is kept in",
        )
    return model


def _skops(path):
    unknown = skops.io.get_untrusted_types(file=path)
    foreign = [name for name in unknown if not pickles.of_packages(name)]
    if foreign:
        raise step.Refused(
            f"the skops archive asks for {', '.join(foreign[:5])}, which skops does not trust",
            "estimators of scikit-learn, XGBoost and LightGBM",
            "save the model without classes and functions of your own",
        )
    try:
        return skops.io.load(path, trusted=unknown)
    except Exception as error:
        raise _broken("skops", error) from error


def _xgboost(path):
    # By content, since XGBoost itself goes by the suffix.
    data = bytearray(path.read_bytes())
    booster = xgboost.Booster()
    try:
        booster.load_model(data)
    except xgboost.core.XGBoostError as error:
        raise _broken("XGBoost", error) from error
    booster.feature_names = None  # the converter knows columns by their number
    return booster


def _lightgbm(path):
    try:
        return lightgbm.Booster(model_file=str(path), params={"verbosity": -1})
    except lightgbm.basic.LightGBMError as error:
        raise _broken("LightGBM", error) from error


def _broken(library, error):
    return step.Refused(
        f"{library} cannot load it: {step.shortened(error)}",
        "a whole file of a version it knows",
        "save the model again",
    )


def columns(model):
    """How many numbers a row has; None if the model does not say."""
    if isinstance(model, xgboost.Booster):
        return model.num_features()
    if isinstance(model, lightgbm.Booster):
        return model.num_feature()
    return getattr(model, "n_features_in_", None)


def inputs(request, model):
    """What a model takes where the spec does not say it, {name: (numpy dtype, shape)}, None where a size is free."""
    if reads_text(model):
        return {"text": (np.dtype(object), (None, 1))}
    count = columns(model)
    if count is None:
        return signatures.needed(request, f"{type(model).__name__} does not say how many columns it was fitted on")
    return {"input": (np.dtype("float32"), (None, count))}


def reads_text(model):
    """Whether a pipeline begins with what takes text."""
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    return hasattr(first, "analyzer")


def words(model):
    """Words that a model knows, to ask it with."""
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    return sorted(getattr(first, "vocabulary_", {})) or ["a", "b", "c"]


def ask(model, rows):
    """Answers by name, in the order of the converted outputs; fewer than those where no method gives one."""
    if isinstance(model, xgboost.Booster):
        return _of_booster(model.predict(xgboost.DMatrix(rows)), _objective(model))
    if isinstance(model, lightgbm.Booster):
        return _of_booster(np.asarray(model.predict(rows)), model.params.get("objective") or _lightgbm_objective(model))
    if not hasattr(model, "predict"):
        return {"transformed": _dense(model.transform(rows))}
    answered = {"label" if is_classifier(model) else "prediction": model.predict(rows)}
    if is_classifier(model) and hasattr(model, "predict_proba"):
        answered["probabilities"] = model.predict_proba(rows)
    return answered


def _of_booster(predicted, objective):
    """Classes have probabilities, whose largest is the label; everything else is a number."""
    if predicted.ndim == 2:
        return {"label": predicted.argmax(axis=1), "probabilities": predicted}
    if objective.startswith("binary") and objective != "binary:hinge":
        return {"label": (predicted > 0.5).astype(np.int64), "probabilities": np.stack([1 - predicted, predicted], 1)}
    return {"prediction": predicted}


def _objective(booster):
    return json.loads(booster.save_config())["learner"]["objective"]["name"]


def _lightgbm_objective(booster):
    text = booster.model_to_string(num_iteration=1)
    line = next((line for line in text.splitlines() if line.startswith("objective=")), "objective=regression")
    return line.removeprefix("objective=").split()[0]


def _dense(array):
    return array.toarray() if hasattr(array, "toarray") else array
