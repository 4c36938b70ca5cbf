"""Where the plotting library is loaded, set up and asked for an SVG."""

import warnings
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Any

from django_tandem.errors import MachineError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The names of all settings are the type, and differ by version.
SETUP: Any = {
    # Text stays text: it can be read out, searched, and is in the page's own font.
    "svg.fonttype": "none",
    # The same report is the same file.
    "svg.hashsalt": "tandem",
    # A topology may well be named with two dollar signs.
    "text.parse_math": False,
    # Somebody's own matplotlibrc may ask for it.
    "text.usetex": False,
}
# All of it would tell when and by what the drawing was made.
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def need_plotting() -> None:
    """Raise MachineError where the plotting library is missing; loads it otherwise."""
    try:
        # An extra, and half a second to load: only who wants a page has to have it.
        import matplotlib.figure  # noqa: F401, PLC0415
    except ImportError as error:
        raise MachineError(
            "The charts of the HTML report need matplotlib, which can't be imported here.",
            hint='Install it with the extra: pip install "django-tandem[bench]"',
        ) from error


def plotted(width_px: float, height_px: float, draw: "Callable[[Figure], None]") -> str:
    """Return an SVG document of what ``draw`` draws; a pixel is one of the SVG's own units."""
    need_plotting()
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    out = StringIO()
    with mpl.rc_context(SETUP), warnings.catch_warnings():
        # The browser has the letters that the library's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(width_px / 72, height_px / 72), dpi=72)
        draw(figure)
        figure.savefig(out, format="svg", transparent=True, metadata=NO_METADATA)
    return out.getvalue()
