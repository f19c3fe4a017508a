"""How labels must look on the wire, and which class each of them means."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, Field
from pydantic_core import from_json

from homeostat.errors import UserError
from homeostat.prediction import Label
from homeostat.schema import Target
from homeostat.serving.bulk import refuse_too_many
from homeostat.serving.request import CONFIG, PredictionId, load, no_later

__all__ = ["LabelBatch", "LabelRequest", "classes", "read_labels", "to_labels"]

KNOWN = (
    *("labels", "park"),
    *("prediction_id", "label", "true_label", "label_source", "label_timestamp"),
)


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("neither a number nor a text")  # noqa: TRY004  # as pydantic asks
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


class LabelRequest(BaseModel):
    """What turned out to be true for one prediction."""

    model_config = CONFIG

    prediction_id: PredictionId
    label: Annotated[Any, AfterValidator(_scalar)] = Field(
        validation_alias=AliasChoices("label", "true_label"),
        description="a class of the target: a number where the classes are numbers, else a text",
    )
    label_source: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,64}$")] = "manual"
    label_timestamp: Annotated[AwareDatetime, AfterValidator(no_later)] | None = None


class LabelBatch(BaseModel):
    """Labels that are stored together, or not at all."""

    model_config = CONFIG

    labels: Annotated[list[LabelRequest], Field(min_length=1)]
    park: bool = Field(
        default=False, description="keep labels of unknown predictions until those arrive"
    )


def read_labels(body: bytes, *, now: datetime, most: int = 1000) -> LabelBatch:
    """The labels in `body`: a batch, or one label on its own.

    Parameters
    ----------
    most
        Labels that are taken; a body with many more is not read at all.

    Raises
    ------
    UserError
        With everything that is wrong with any of them.
    """
    refuse_too_many(body, "the labels", rows=most, keys=len(KNOWN))
    try:
        plain = from_json(body)
    except ValueError as error:
        raise UserError("the labels were refused", [f"the body: invalid JSON: {error}"]) from error
    if isinstance(plain, dict) and "prediction_id" in plain and "labels" not in plain:
        one = load(LabelRequest, body, "the label", known=KNOWN, now=now)
        return LabelBatch(labels=[one])
    return load(LabelBatch, body, "the labels", known=KNOWN, now=now)


def classes(target: Target) -> dict[Any, int]:
    """What a label may be on the wire: 1 for the positive class, 0 for the others.

    A class whose name is a number is given as that number, any other as its text.  Where no
    class is a number, 1 and 0 mean positive and negative, as in the answers.

    Examples
    --------
    >>> classes(Target(column="y"))
    {0: 0, 1: 1}
    >>> classes(Target(column="y", positive="bad", classes=("bad", "good")))
    {'bad': 1, 'good': 0, 1: 1, 0: 0}
    """
    known = {_number(one): int(one == target.positive) for one in target.classes}
    return known if any(not isinstance(one, str) for one in known) else {**known, 1: 1, 0: 0}


def to_labels(requests: Sequence[LabelRequest], target: Target, *, now: datetime) -> list[Label]:
    """The labels with their classes found out.

    Raises
    ------
    UserError
        When a label is no class of the target; all such labels are named.
    """
    known = classes(target)
    problems = [
        f"labels[{i}].label: {str(one.label)[:80]!r} is no class of {target.column!r}"
        for i, one in enumerate(requests)
        if one.label not in known
    ]
    if problems:
        names = ", ".join(repr(one) for one in known)
        message = f"the labels were refused; nothing of them was stored; the classes are {names}"
        raise UserError(message, problems)
    return [
        Label(
            prediction_id=one.prediction_id,
            value=known[one.label],
            received_at=now,
            labelled_at=one.label_timestamp,
            source=one.label_source,
        )
        for one in requests
    ]


def _number(text: str) -> float | str:
    """The number that a text writes, as JSON would carry it; else the text."""
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
        return text
    return float(text) if "." in text else int(text)
