"""A chart → an SVG drawing that is as wide as a phone: each bar below its own words."""

import textwrap
from typing import TYPE_CHECKING

from markupsafe import Markup

from django_tandem.bench.page.charts import Bar, Chart
from django_tandem.bench.page.colours import ACCENT, INK, LINE, PLAIN, QUIET, WARN
from django_tandem.bench.page.plotting import plotted
from django_tandem.bench.page.svg import inline
from django_tandem.bench.page.telling import with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# All in the SVG's own units, which are pixels where it is not scaled.
WIDTH = 360
TITLE, BAR, LINE_OF_WORDS, GAP, SCALE = 17, 12, 15, 12, 22
TEXT, SMALL = 12.5, 11
LINE_CHARS, WORDS_CHARS, WORDS_LINES = 48, 58, 2
# From the shortest of the lengths that lie within one another to the longest.
SHADES = {1: (1.0,), 2: (1.0, 0.38), 3: (1.0, 0.64, 0.36)}


def drawing(chart: Chart, *, name: str, of: str) -> Markup:
    """Return ``chart`` drawn, with ids that begin with ``name``; ``of`` says what was measured."""
    lines = [_words(bar) for bar in chart.bars]
    heights = [_height(bar, words) for bar, words in zip(chart.bars, lines, strict=True)]
    scale = SCALE if chart.end else 0
    height = max(1, sum(heights)) + scale

    def draw(figure: "Figure") -> None:
        axes = figure.add_axes((0, scale / height, 1, 1 - scale / height))
        # Bars begin at zero, always.
        axes.set(xlim=(0, (chart.end or 1) * 1.02), ylim=(height - scale, 0))
        _scale(axes, chart)
        top = 0
        for bar, words, taken in zip(chart.bars, lines, heights, strict=True):
            _bar(axes, top, bar, words)
            top += taken

    description = "; ".join(f"{bar.title}: {bar.value} {bar.words}".strip() for bar in chart.bars)
    return inline(
        plotted(WIDTH, height, draw),
        name=name,
        title=f"{chart.title}: {of}",
        description=f"{chart.better.capitalize()}. {description}",
    )


def _words(bar: Bar) -> list[str]:
    return textwrap.wrap(bar.words, WORDS_CHARS, max_lines=WORDS_LINES, placeholder=" …")


def _height(bar: Bar, words: list[str]) -> int:
    return TITLE + (BAR if bar.lengths else 0) + LINE_OF_WORDS * len(words) + GAP


def _scale(axes: "Axes", chart: Chart) -> None:
    if not chart.end:
        axes.set_axis_off()
        return
    axes.spines[:].set_visible(False)
    axes.yaxis.set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=LINE, linewidth=1)
    axes.locator_params(axis="x", nbins=4)
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= axes.get_xlim()[1]]
    labels = [with_unit(f"{tick:,.6g}", chart.unit) for tick in ticks]
    axes.set_xticks(ticks, labels=labels)
    axes.tick_params(axis="x", length=0, pad=5, labelsize=SMALL, labelcolor=QUIET)
    axes.get_xticklabels()[0].set_horizontalalignment("left")


def _bar(axes: "Axes", top: float, bar: Bar, words: list[str]) -> None:
    text = axes.get_yaxis_transform()
    room = LINE_CHARS - len(bar.value)
    title = bar.title if len(bar.title) <= room else f"{bar.title[: room - 1]}…"
    weight = "bold" if bar.is_baseline else "normal"
    base = top + TITLE - 5
    axes.text(0, base, title, transform=text, color=INK, fontsize=TEXT, fontweight=weight)
    axes.text(1, base, bar.value, transform=text, color=INK, fontsize=TEXT, ha="right")
    _lengths(axes, top + TITLE + BAR / 2, bar)
    below = top + TITLE + (BAR if bar.lengths else 0)
    for place, line in enumerate(words, start=1):
        said = line if bar.lengths or place > 1 else f"✕ {line}"
        at = below + place * LINE_OF_WORDS - 3
        colour = QUIET if bar.lengths else WARN
        axes.text(0, at, said, transform=text, color=colour, fontsize=SMALL)


def _lengths(axes: "Axes", middle: float, bar: Bar) -> None:
    colour = ACCENT if bar.is_baseline else PLAIN
    shades = zip(bar.lengths, SHADES.get(len(bar.lengths), ()), strict=True)
    for length, shade in reversed(list(shades)):
        axes.barh(middle, length, height=BAR, color=colour, alpha=shade)
    if len(bar.points) > 1:
        axes.hlines(middle, min(bar.points), max(bar.points), color=INK, linewidth=1)
        axes.plot(bar.points, [middle] * len(bar.points), "o", color=INK, markersize=3)
