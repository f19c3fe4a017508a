"""The drift summary: one JSON object that tells, for each feature, what was found."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.reference import Reference
from homeostat.reports import DETECTED, Finding, findings, strict
from homeostat.verdict import Outcome, Verdict

__all__ = ["drift_summary"]

_STATUS: Mapping[Outcome, str] = {
    Outcome.PASS: "ok",
    Outcome.FAIL: "ok",
    Outcome.INCONCLUSIVE: "insufficient_data",
    Outcome.ERROR: "error",
}


def drift_summary(verdict: Verdict, reference: Reference, *, at: datetime) -> dict[str, Any]:
    """The drift verdict as strict JSON.

    ``status`` tells whether one could look, not what was seen.  ``drift_share`` is the share
    of the evaluated features that drifted, None when none was evaluated; every feature is
    either evaluated or in ``excluded_features`` with the reason.  ``threshold`` is the effect
    asked for and ``drift_score`` the value of the statistic that decided.  What was measured
    beyond the features, such as the scores, is in ``others``.

    Parameters
    ----------
    verdict
        Of the question "drift".
    reference
        What the window was compared with.
    at
        Time of the run; must have a zone.
    """
    found = findings(verdict, reference.bins)
    summary = {
        "timestamp": at,
        "status": _STATUS[verdict.outcome],
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "window": list(verdict.window) if verdict.window else None,
        "reference_metadata": _metadata(reference),
        "dataset_drift_detected": DETECTED[verdict.outcome],
        "drift_share": found.share,
        "num_drifted_features": found.drifted,
        "num_features_total": len(found.features),
        "num_features_evaluated": found.evaluated,
        "num_features_excluded": len(found.excluded),
        "excluded_features": found.excluded,
        "features": [_row(one) for one in found.features],
        "others": [_row(one) for one in found.others],
    }
    plain: dict[str, Any] = strict(summary)
    return plain


def _metadata(reference: Reference) -> dict[str, Any]:
    answers = (PROBABILITY, PREDICTION)
    names = [one.name for one in reference.bins.features if one.name not in answers]
    return {
        "model": reference.model,
        "created_at": reference.created_at,
        "source": reference.source,
        "num_samples": reference.rows,
        "num_features": len(names),
        "reference_hash": reference.digest,
        "data_fingerprint": reference.data_fingerprint,
        "mutation_policy": "NEVER",
        "features": names,
    }


def _row(one: Finding) -> dict[str, Any]:
    main = one.main
    return {
        "feature": one.subject,
        "drift_detected": one.drifted,
        "state": one.state.value,
        "stat_test": main.statistic if main else None,
        "p_value": main.p_value if main else None,
        "threshold": main.asked if main else None,
        "drift_score": main.value if main else None,
        "effect": main.effect if main else None,
        "asked": main.asked if main else None,
        "minimum_detectable_effect": main.minimum_detectable_effect if main else None,
        "n_reference": main.n_reference if main else None,
        "n_current": main.n_current if main else None,
        "reason": one.reason,
        "tests": [asdict(test) for test in one.tests],
    }
