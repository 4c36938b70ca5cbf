"""The colours of a drawing: what the plotting library is told, and the page's name for each."""

# The library wants colours, the page has two sets of them: each is told by a stand-in, which is
# replaced by a CSS variable, so that a drawing is light or dark as the page is.
INK, QUIET, LINE, ACCENT, PLAIN, WARN = (
    "#010001",
    "#010002",
    "#010003",
    "#010004",
    "#010005",
    "#010006",
)
NAMES = {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    PLAIN: "var(--plain)",
    WARN: "var(--warn)",
}
