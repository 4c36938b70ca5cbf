"""A reader who does what a page says gets what it shows."""

import shutil

import pytest
from docs.blocks import DOCS, Block, blocks
from docs.walking import Walk

from harness.projects import startproject
from harness.stack import free_port

# Each begins with a project that startproject made.
HOW_TOS = (
    "how-to/websockets.md",
    "how-to/move-an-endpoint.md",
    "how-to/pin-a-route.md",
    "how-to/tls.md",
    "how-to/static-and-media.md",
    "how-to/logs-and-statsd.md",
    "how-to/websocket-404-502.md",
    "how-to/gateway-direct.md",
    "explanation/edge-rules.md",
)


@pytest.fixture
def tools(tmp_path_factory):
    return tmp_path_factory.mktemp("tools")


# Two starts and a reload: on a machine with much else to do that takes longer than most tests.
@pytest.mark.timeout(300)
def test_the_tutorial_works_as_written(tmp_path, tools) -> None:
    """Each of its files and commands, from an empty directory to the last page."""
    followed = blocks(DOCS / "tutorial.md")
    assert any(each.is_terminal for each in followed)
    assert any(each.file for each in followed)

    with Walk(tmp_path, tools) as walk:
        for block in followed:
            walk.follow(block)


@pytest.mark.timeout(300)
def test_the_tutorial_on_a_move_works_as_written(prepared_example, tmp_path, tools) -> None:
    """From a synchronous endpoint of the example to its pin."""
    shutil.copytree(prepared_example, tmp_path, dirs_exist_ok=True)

    followed = blocks(DOCS / "tutorial-move.md")
    assert any(each.is_terminal and _shows_output(each) for each in followed)
    assert any(each.file for each in followed)

    with Walk(tmp_path, tools) as walk:
        walk.environment["SHIPPING_URL"] = f"http://127.0.0.1:{free_port()}"
        for block in followed:
            walk.follow(block)


@pytest.mark.parametrize("page", HOW_TOS)
def test_what_a_page_shows_is_what_comes(page, tmp_path, tools) -> None:
    """Its files are written, and the commands whose output it shows are run."""
    followed = [each for each in blocks(DOCS / page) if each.file or _shows_output(each)]
    assert any(each.is_terminal for each in followed)

    with Walk(startproject(tmp_path), tools) as walk:
        for block in followed:
            walk.follow(block)


def _shows_output(block: Block) -> bool:
    if not block.is_terminal:
        return False
    return bool(block.shown_first() or any(each.shown for each in block.commands()))
