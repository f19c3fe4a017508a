"""What the pages share: their templates, and how a feature is drawn and put into words."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from homeostat.profile import FeatureProfile
from homeostat.reports.html import words
from homeostat.reports.html.bars import Bar, categories, histogram, quantile
from homeostat.reports.html.svg import draw_categories, draw_histogram

__all__ = ["environment", "plot", "said"]


@cache
def environment() -> Environment:
    """Where the templates are; what they are given is escaped."""
    made = Environment(
        loader=PackageLoader("homeostat.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": words.number,
        "share": words.share,
        "p_value": words.p_value,
        "printable": words.printable,
        "said": said,
    }
    return made


def plot(title: str, reference: FeatureProfile, current: FeatureProfile) -> Markup:
    """The two distributions of a feature, drawn side by side."""
    text = f"{words.printable(title)}. Reference: {said(reference)}. Current: {said(current)}."
    if not reference.bins.kind.is_numeric:
        return draw_categories(categories(reference, current), text=text)
    if reference.bins.low is None:  # no value in the reference, so no axis either
        gone = [one.missing / max(one.n, 1) for one in (reference, current)]
        held = [int(one.present.sum()) / max(one.n, 1) for one in (reference, current)]
        bars = [
            Bar(label=label, reference=pair[0], current=pair[1])
            for label, pair in (("has a value", held), ("missing", gone))
        ]
        return draw_categories(bars, text=text)
    return draw_histogram(histogram(reference, current), unit=title, text=text)


def said(profile: FeatureProfile) -> str:
    """One side of a plot in words."""
    if not profile.n:
        return "no rows"
    gaps = f"{words.share(profile.missing / profile.n)} missing"
    if not profile.present.any():
        return gaps
    if profile.bins.kind.is_numeric:
        if profile.bins.low is None:
            return gaps
        low, middle, high = words.numbers([quantile(profile, one) for one in (0.25, 0.5, 0.75)])
        return f"median {middle}, middle half {low} to {high}, {gaps}"
    names = [*profile.bins.categories, "not seen before"]
    order = sorted(range(len(names)), key=lambda i: -int(profile.present[i]))[:3]
    shown = [
        f"{words.short(names[i], 40)}: {words.share(int(profile.present[i]) / profile.n)}"
        for i in order
        if profile.present[i]
    ]
    return f"{', '.join(shown)}, {gaps}"
