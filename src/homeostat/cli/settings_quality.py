"""The settings of quality with labels."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from homeostat.cli.settings_types import CONFIG, Count, Positive, Real, Share, Text

if TYPE_CHECKING:
    from homeostat.assessment import AssessmentPolicy
    from homeostat.schema import Segment

__all__ = ["QualitySettings", "assessment_policy", "quality_contradictions"]

#: Fields that set a limit begin like this; the rest of their name is the figure.
LEAST, MOST = "min_", "max_"
OTHERS = frozenset({"min_rows", "min_cases"})


class QualitySettings(BaseModel):
    """What is asked of the answers, by their labels."""

    model_config = CONFIG

    lookback_days: Positive = Field(
        default=30.0, description="days of predictions whose labels are judged"
    )
    due_days: Positive = Field(
        default=30.0, description="days looked back to learn when labels come"
    )
    min_rows: Count = Field(default=200, description="labelled rows asked before anything is said")
    min_cases: Count = Field(default=20, description="rows that one figure must rest on")
    alpha: Share = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="chance of a false alarm of a verdict within the days looked back",
    )
    confidence: Share = Field(default=0.95, gt=0, lt=1, description="of every interval")
    min_accuracy: Share | None = Field(default=None, description="least accuracy")
    min_precision: Share | None = Field(default=None, description="least precision")
    min_recall: Share | None = Field(default=None, description="least recall")
    min_f1: Share | None = Field(default=None, description="least F1")
    min_roc_auc: Share | None = Field(default=None, description="least area under the ROC curve")
    min_pr_auc: Share | None = Field(
        default=None, description="least area under the precision-recall curve"
    )
    max_log_loss: Positive | None = Field(default=None, description="most log loss")
    max_brier: Share | None = Field(default=None, description="most Brier score")
    max_ece: Share | None = Field(default=None, description="most expected calibration error")
    min_business_value: Real | None = Field(
        default=None, description="least business value, as the metric or a row has it"
    )
    degradation_threshold: Share = Field(
        default=0.05, description="worse than the frozen reference, as a share of it"
    )
    value_true_positive: Real | None = Field(
        default=None, description="what a row found is worth; a cost is below 0"
    )
    value_false_positive: Real | None = Field(
        default=None, description="what a false alarm is worth"
    )
    value_false_negative: Real | None = Field(default=None, description="what a miss is worth")
    value_true_negative: Real | None = Field(
        default=None, description="what a row rightly passed is worth"
    )
    business_metric: Text | None = Field(
        default=None,
        description="module:function or file.py:function, over labels, answers, probabilities",
    )
    search_segments: bool = Field(
        default=True, description="look for parts of the rows in which the model is weak"
    )

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by figure."""
        found = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name.startswith((LEAST, MOST)) and name not in OTHERS and value is not None:
                found[name[len(LEAST) :]] = value
        return found

    @property
    def values(self) -> dict[str, float]:
        """What a row is worth, where that is set."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        start = "value_"
        return {
            name.removeprefix(start): value
            for name, value in named.items()
            if name.startswith(start) and value is not None
        }


def quality_contradictions(quality: QualitySettings) -> Iterator[str]:
    """What is wrong between settings that are right one by one."""
    if quality.values and quality.business_metric is not None:
        yield "quality: give either values of rows or business_metric, not both"
    if quality.min_business_value is not None and not (quality.values or quality.business_metric):
        yield "quality.min_business_value: needs values of rows, or business_metric"
    if quality.business_metric is not None and not all(quality.business_metric.rpartition(":")):
        yield f"quality.business_metric: {quality.business_metric!r} is not module:function"


def assessment_policy(
    quality: QualitySettings, segments: "tuple[Segment, ...]" = ()
) -> "AssessmentPolicy":
    """Which labels count and what is asked of them, as the settings say."""
    from homeostat.assessment import AssessmentPolicy
    from homeostat.business import load_business
    from homeostat.performance import Values
    from homeostat.standards import Standards

    own = quality.business_metric
    return AssessmentPolicy(
        standards=Standards(
            limits=quality.limits,
            degradation=quality.degradation_threshold,
            alpha=quality.alpha,
            min_rows=quality.min_rows,
            min_cases=quality.min_cases,
        ),
        lookback=timedelta(days=quality.lookback_days),
        due=timedelta(days=quality.due_days),
        confidence=quality.confidence,
        values=Values(**quality.values) if quality.values else None,
        business=load_business(own) if own else None,
        segments=segments,
        search=quality.search_segments,
    )
