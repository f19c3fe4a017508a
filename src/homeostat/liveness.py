"""Whether the loops are alive and see rows: judged from timestamps and traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "LIVENESS",
    "Beat",
    "Life",
    "LivenessPolicy",
    "Lull",
    "State",
    "judge_liveness",
    "state_of",
]

LIVENESS = "liveness"  #: the question

TRAFFIC = "traffic"  #: the subject of what is said about rows

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=10)


class State(StrEnum):
    """How a loop does."""

    ALIVE = "alive"
    DEAD = "dead"  #: its process was stopped, or hangs as a whole
    STALLED = "stalled"  #: its process runs and no round was done for too long
    ERRING = "erring"  #: its rounds fail
    FREE = "free"  #: nothing was promised of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What is known of one loop of a model."""

    loop: str  #: such as "monitor"
    every_s: float | None = None  #: between two rounds, as it promised; None: it did not
    begun_at: datetime | None = None  #: UTC, when it promised that first
    seen_at: datetime | None = None  #: UTC, when its process last said that it runs
    succeeded_at: datetime | None = None  #: UTC, when a round was last done
    failing_since: datetime | None = None  #: UTC, the first failure after that
    failures: int = 0  #: in a row
    problem: str = ""  #: what the last failure said


@dataclass(frozen=True, slots=True, kw_only=True)
class Lull:
    """Rows of the time that ends now, beside those of the same hours of the weeks before."""

    length: timedelta
    seen: int
    weeks: int  #: of which there is traffic to compare with
    #: For each of them, where none is seen, the fewest rows of three such times: the same one,
    #: and those before and after it.  So what comes an hour later than it did, as after a
    #: change to summer time, is missed by nobody.
    earlier: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessPolicy:
    """When something is wrong with a loop."""

    silent: timedelta = timedelta(minutes=5)  #: that a process may say nothing
    failing: timedelta = timedelta(minutes=10)  #: that a failure may stand
    failures: int = 2  #: in a row from which on a loop is erring
    #: Rows that every earlier week had where none came: even if they came independently of
    #: each other, that happens to nobody by chance once in e**20 = 5e8 looks.
    least_rows: int = 20

    def allowed(self, every_s: float) -> timedelta:
        """The longest time between two rounds: as promised, and one to ten minutes more.

        Examples
        --------
        >>> LivenessPolicy().allowed(300.0)
        datetime.timedelta(seconds=600)
        """
        every = timedelta(seconds=every_s)
        return every + min(max(every, SHORTEST), LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The state of a loop with the number seen and the number asked."""

    loop: str
    state: State
    told: str
    seen: timedelta | None = None  #: since what the state was told from
    asked: timedelta | None = None
    failures: int = 0


def state_of(
    beat: Beat, policy: LivenessPolicy, *, now: datetime, busy_until: datetime | None = None
) -> Life:
    """How one loop does.

    Parameters
    ----------
    busy_until
        Until when a round under way may last, such as one that trains.

    Examples
    --------
    >>> at = datetime(2026, 3, 2, 12)
    >>> beat = Beat(loop="monitor", every_s=300.0, seen_at=at, succeeded_at=at)
    >>> state_of(beat, LivenessPolicy(), now=at + timedelta(minutes=6)).told
    'monitor is dead: its process said nothing for 6 min, 5 min allowed'
    """
    if beat.every_s is not None:
        silent = _since(beat.seen_at, now)
        if silent is not None and silent > policy.silent:
            told = f"its process said nothing for {_span(silent)}, {_span(policy.silent)} allowed"
            return _life(beat, State.DEAD, told, silent, policy.silent)
        waited = _since(beat.succeeded_at or beat.begun_at, now)
        allowed = policy.allowed(beat.every_s)
        busy = busy_until is not None and now < busy_until
        if waited is not None and waited > allowed and not busy:
            told = f"no round was done for {_span(waited)}, {_span(allowed)} allowed"
            if beat.failing_since is not None:
                told = f"{told}; the last one of {beat.failures} failed: {beat.problem}"
            return _life(beat, State.STALLED, told, waited, allowed)
    failing = _since(beat.failing_since, now)
    if failing is not None and (beat.failures >= policy.failures or failing > policy.failing):
        told = f"{beat.failures} in a row failed since {_span(failing)}: {beat.problem}"
        return _life(beat, State.ERRING, told, failing, policy.failing)
    if beat.every_s is None:
        return _life(beat, State.FREE, "nothing was promised")
    return _life(
        beat,
        State.ALIVE,
        "as promised",
        _since(beat.succeeded_at or beat.begun_at, now),
        policy.allowed(beat.every_s),
    )


def judge_liveness(
    beats: Sequence[Beat],
    lulls: Sequence[Lull],
    policy: LivenessPolicy,
    *,
    now: datetime,
    busy: Mapping[str, datetime] | None = None,
) -> Verdict:
    """Whether every loop does what it promised, and whether rows come as they always did.

    Whoever asks gets the same answer from the same timestamps: so any process that is alive
    can speak for one that is not.

    Parameters
    ----------
    lulls
        The shortest first; the first that is one speaks for all.
    busy
        By loop, until when a round under way may last.

    Returns
    -------
    Verdict
        ``question`` "liveness".  FAIL when a loop is dead or stalled, or no row comes where
        every week before had some; ERROR when a loop is only erring; INCONCLUSIVE when no
        loop has promised anything and there is no week to compare with.  One measurement for
        each loop: seconds since its last sign, beside those allowed.
    """
    lives = [state_of(one, policy, now=now, busy_until=(busy or {}).get(one.loop)) for one in beats]
    blind = next((one for one in lulls if _is_blind(one, policy)), None)
    troubled = [one for one in lives if one.state not in {State.ALIVE, State.FREE}]
    asked = [one for one in lives if one.state is not State.FREE]
    known = any(one.weeks for one in lulls)
    return Verdict(
        question=LIVENESS,
        outcome=_outcome(troubled, blind, judged=bool(asked) or known),
        reason=_reason(asked, troubled, blind, known=known),
        measurements=tuple(_measured(asked, lulls, blind, policy)),
        details={
            "states": {one.loop: one.state.value for one in lives},
            "troubled": [*(one.loop for one in troubled), *([TRAFFIC] if blind else [])],
        },
    )


def _outcome(troubled: Sequence[Life], blind: Lull | None, *, judged: bool) -> Outcome:
    if blind is not None or any(one.state is not State.ERRING for one in troubled):
        return Outcome.FAIL
    if troubled:
        return Outcome.ERROR
    return Outcome.PASS if judged else Outcome.INCONCLUSIVE


def _is_blind(lull: Lull, policy: LivenessPolicy) -> bool:
    return not lull.seen and min(lull.earlier, default=0) >= policy.least_rows


def _reason(
    asked: Sequence[Life], troubled: Sequence[Life], blind: Lull | None, *, known: bool
) -> str:
    said = [one.told for one in troubled]
    if blind is not None:
        said.append(
            f"0 rows in the last {_span(blind.length)}; at least {min(blind.earlier):,} in these "
            f"hours of the {len(blind.earlier)} weeks before"
        )
    if said:
        return "; ".join(said)
    if not asked and not known:
        return "no loop has promised anything yet; start `homeostat monitor run`"
    names = ", ".join(one.loop for one in asked) or "no loop"
    rows = "rows come as in the weeks before" if known else "no week of traffic to compare with yet"
    return f"{len(asked)} loops as promised ({names}); {rows}"


def _measured(
    asked: Sequence[Life], lulls: Sequence[Lull], blind: Lull | None, policy: LivenessPolicy
) -> list[Measurement]:
    found = [
        Measurement(
            subject=one.loop,
            statistic="seconds",
            value=one.seen.total_seconds(),
            asked=one.asked.total_seconds(),
            n_reference=0,
            n_current=one.failures,
            drifted=one.state is not State.ALIVE,
        )
        for one in asked
        if one.seen is not None and one.asked is not None
    ]
    shown = blind or next((one for one in lulls if one.weeks), None)
    if shown is not None:
        found.append(
            Measurement(
                subject=TRAFFIC,
                statistic="rows",
                value=float(shown.seen),
                asked=float(policy.least_rows),
                n_reference=min(shown.earlier, default=0),
                n_current=shown.seen,
                drifted=blind is not None,
            )
        )
    return found


def _life(
    beat: Beat,
    state: State,
    told: str,
    seen: timedelta | None = None,
    asked: timedelta | None = None,
) -> Life:
    return Life(
        loop=beat.loop,
        state=state,
        told=f"{beat.loop} is {state.value}: {told}",
        seen=seen,
        asked=asked,
        failures=beat.failures,
    )


def _since(then: datetime | None, now: datetime) -> timedelta | None:
    # The clocks of two machines may differ: what lies ahead is just now.
    return None if then is None else max(now - then, timedelta())


def _span(length: timedelta) -> str:
    """A length of time in the largest unit of which there is one.

    Examples
    --------
    >>> _span(timedelta(seconds=42)), _span(timedelta(minutes=90)), _span(timedelta(days=3))
    ('42 s', '1.5 h', '3 d')
    """
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
