"""All that the bench does, and how much of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from benchmarks.quality.cases import Case
from benchmarks.quality.changes import CHANGES
from benchmarks.quality.creeping import CREEPS
from benchmarks.quality.detectable import KINDS
from benchmarks.quality.streams import Stream
from benchmarks.quality.tasks import (
    Agreement,
    Creep,
    Overlapping,
    Package,
    Stated,
    Task,
    Watch,
    Windows,
)

__all__ = ["Size", "tasks"]

FEATURES = 20
ROWS = (200, 1_000, 10_000, 100_000)

#: Windows of the stream from one single window to the next: hardly anything of the mix of
#: users is left then, and windows can be counted as independent.
APART = 30

#: Looks at each quiet stream; that of 200 rows and 20 features is looked at in several.
LOOKS = {
    ("independent", 200, 20): 2_016,
    ("independent", 200, 5): 1_008,
    ("independent", 200, 100): 144,
    ("independent", 1_000, 20): 504,
    ("independent", 10_000, 20): 504,
    ("independent", 100_000, 20): 144,
    ("ties and tails", 200, 20): 504,
    ("ties and tails", 10_000, 20): 252,
    ("autocorrelated", 200, 5): 1_008,
    ("autocorrelated", 200, 20): 2_016,
    ("autocorrelated", 200, 100): 144,
    ("autocorrelated", 1_000, 20): 504,
    ("autocorrelated", 10_000, 20): 504,
    ("autocorrelated", 100_000, 20): 144,
}

#: Streams of 200 rows and 20 features, and looks at each; changes are planted into copies of
#: them after a day, `EVERY` looks apart.  Runs of one stream share what was learnt from it, so
#: there are many streams.
STREAMS, OWN_LOOKS, DAY, EVERY = 12, 648, 288, 21

#: The same for the change that has features of its own.
WIDE_STREAMS, WIDE_LOOKS = 2, 388

#: Single windows, by kind and rows.
QUIET = {
    "independent": (400, 400, 100, 24),
    "ties and tails": (400, 200, 60, 0),
    "autocorrelated": (400, 200, 60, 16),
}
CHANGED = (200, 200, 60, 0)

#: The same for the packages.
NANNYML = {
    "independent": (200, 100, 20, 0),
    "ties and tails": (100, 0, 0, 0),
    "autocorrelated": (200, 0, 0, 0),
}
WHYLOGS = {
    "independent": (50, 40, 10, 0),
    "ties and tails": (20, 0, 0, 0),
    "autocorrelated": (20, 0, 0, 0),
}
NANNYML_CHANGED, WHYLOGS_CHANGED = (60, 60, 0, 0), (20, 20, 0, 0)

STATED_ROWS = (200, 1_000, 10_000)
STATED_WINDOWS = 1_600
OVERLAP_LOOKS = 100_000_000
CREEP_STREAMS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is done."""

    scale: float = 1.0  #: multiplies the numbers of windows and of looks
    peers: bool = True
    seed: int = 1
    reference_rows: int = 100_000
    most: int = 40  #: windows until which one waits for a change to be seen

    def some(self, n: int) -> int:
        """So many, scaled; none stays none."""
        return max(1, round(n * self.scale)) if n else 0


def tasks(size: Size) -> list[Task]:
    """Everything, the longest first."""
    return [
        *_planted(size),
        *(_packages(size) if size.peers else ()),
        *_watched(size),
        *_stated(size),
        *_single(size),
        *_creeping(size),
        Overlapping(looks=size.some(OVERLAP_LOOKS), seed=size.seed),
    ]


def _creeping(size: Size) -> Iterator[Creep]:
    for creep in CREEPS:
        yield Creep(creep=creep, streams=size.some(CREEP_STREAMS), seed=size.seed)


def _planted(size: Size) -> Iterator[Watch]:
    usual = tuple(one.name for one in CHANGES if one.features == FEATURES)
    key = ("independent", 200, FEATURES)
    for i in range(STREAMS):
        plain = _watch(size, key, OWN_LOOKS, 1_000 + i)
        begin = min(DAY, size.some(DAY))
        yield replace(plain, changes=usual, begin=begin, every=EVERY, most=size.most)
    for one in (one for one in CHANGES if one.features != FEATURES):
        for i in range(WIDE_STREAMS):
            plain = _watch(size, ("independent", 200, one.features), WIDE_LOOKS, 2_000 + i)
            begin = min(DAY, size.some(DAY))
            yield replace(plain, changes=(one.name,), begin=begin, most=size.most)


def _watched(size: Size) -> Iterator[Watch]:
    for i, (key, looks) in enumerate(LOOKS.items()):
        yield _watch(size, key, looks, i)


def _watch(size: Size, key: tuple[str, int, int], looks: int, seed: int) -> Watch:
    kind, rows, features = key
    stream = Stream(kind=kind, rows=rows, features=features, seed=10_000 * size.seed + seed)
    case = Case(stream=stream, windows=size.some(looks))
    return Watch(case=case, reference_rows=size.reference_rows)


def _single(size: Size) -> Iterator[Windows]:
    cases = [*_quiet(size, QUIET), *_changed(size, CHANGED)]
    cases += [_case(size, ("independent", 200, features), 100) for features in (5, 100)]
    for one in sorted(cases, key=lambda case: -case.windows * case.stream.rows):
        yield Windows(case=one, reference_rows=size.reference_rows)


def _packages(size: Size) -> Iterator[Package | Agreement]:
    for peer, quiet, changed in (
        ("nannyml", NANNYML, NANNYML_CHANGED),
        ("whylogs", WHYLOGS, WHYLOGS_CHANGED),
    ):
        cases = (*_quiet(size, quiet), *_changed(size, changed))
        yield Package(peer=peer, cases=cases, reference_rows=size.reference_rows)
    few = min(size.reference_rows, 5_000)
    yield Agreement(
        package=Package(
            peer="evidently", cases=(_case(size, ("independent", 200, 4), 40),), reference_rows=few
        ),
        rule="Evidently: any feature",
    )
    cases = tuple(
        _case(size, ("independent", rows, FEATURES), 20, "mean 0.2 sd") for rows in (200, 1_000)
    )
    yield Agreement(
        package=Package(peer="alibi", cases=cases, reference_rows=few), rule="Bonferroni 0.05"
    )


def _quiet(size: Size, windows: Mapping[str, tuple[int, ...]]) -> list[Case]:
    return [
        _case(size, (kind, rows, FEATURES), n)
        for kind, numbers in windows.items()
        for rows, n in zip(ROWS, numbers, strict=True)
        if n
    ]


def _changed(size: Size, windows: tuple[int, ...]) -> list[Case]:
    return [
        _case(size, ("independent", rows, one.features), n, one.name)
        for one in CHANGES
        for rows, n in zip(ROWS, windows, strict=True)
        if n
    ]


def _case(size: Size, key: tuple[str, int, int], windows: int, change: str = "") -> Case:
    kind, rows, features = key
    stream = Stream(kind=kind, rows=rows, features=features, seed=size.seed, apart=APART)
    return Case(stream=stream, windows=size.some(windows), change=change)


def _stated(size: Size) -> Iterator[Stated]:
    for rows in STATED_ROWS:
        for statistic in KINDS:
            windows = size.some(STATED_WINDOWS)
            yield Stated(statistic=statistic, rows=rows, windows=windows, seed=size.seed)
