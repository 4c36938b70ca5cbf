"""What is said of the files that changed."""

from pathlib import Path

from django_tandem.runtime.changes import told


def test_a_few_files_are_named() -> None:
    """And the others counted."""
    assert told([Path("shop/views.py")]) == "changed: shop/views.py; reloading"
    assert (
        told([Path(name) for name in ("a.py", "b.py", "c.py", "d.py", "e.py")])
        == "changed: a.py, b.py, c.py and 2 more; reloading"
    )
