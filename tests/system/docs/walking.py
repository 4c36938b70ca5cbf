"""Does what a page says: writes its files, runs its commands, compares what they print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from docs.blocks import Block, Command
from docs.installing import check_installed
from docs.terminal import DEADLINE_S, Terminal, pattern

from harness import forking
from harness.stack import clean_environment, free_port

ADDRESS = "127.0.0.1:8000"
INTERRUPTED = "^C"
AS_ROOT = "Running as root: "
# The virtual environment that runs the tests stands in for the reader's.
NOT_RUN = ("python3 -m venv .venv", "source .venv/bin/activate")
# Programs by their names on the page, and the arguments with which Python runs them.
PROGRAMS = {
    "python": (),
    "django-admin": ("-m", "django"),
    "tandem": ("-m", "django_tandem"),
}


class Walk:
    """One reader, in a directory, at a free port instead of the page's."""

    def __init__(self, directory: Path, tools: Path) -> None:
        self.directory = directory
        self.address = f"127.0.0.1:{free_port()}"
        self.terminals: dict[str, Terminal] = {}
        self.environment = clean_environment() | _prepared(tools)

    def __enter__(self) -> "Walk":
        return self

    def __exit__(self, *_: object) -> None:
        # The last that was begun looks at the one before it.
        for terminal in reversed(self.terminals.values()):
            terminal.end()

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if block.file:
            self._write(block)
        elif block.is_terminal and block.caption:
            self._in_terminal(block)
        elif block.is_terminal:
            for command in block.commands():
                self._run(command, block)

    def _write(self, block: Block) -> None:
        path = self.directory / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = f"{path.read_text()}\n" if block.is_appended else ""
        path.write_text(before + self._here(block.text))

    def _in_terminal(self, block: Block) -> None:
        shown = [self._here(line) for line in block.shown_first()]
        if shown == [INTERRUPTED]:
            self.terminals.pop(block.caption).interrupt()
        elif shown:
            self.terminals[block.caption].wait_for(shown)
        for command in block.commands():
            process = subprocess.Popen(
                self._words(command),
                cwd=self.directory,
                env=self.environment | command.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.terminals[block.caption] = terminal = Terminal(process)
            terminal.wait_for([self._here(line) for line in command.shown])

    def _run(self, command: Command, block: Block) -> None:
        words = self._words(command)
        if command.text in NOT_RUN:
            return
        if words[0] == "cd":
            self.directory /= words[1]
        elif words[:2] == ["pip", "install"]:
            check_installed(words[2:])
        else:
            self._compare(command, self._done(words, command), block)

    def _done(self, words: list[str], command: Command) -> subprocess.CompletedProcess[str]:
        environment = self.environment | command.environment
        if words[0] in PROGRAMS:
            argv = [*PROGRAMS[words[0]], *words[1:]]
            return forking.run(
                argv, self.directory, environment, timeout_s=2 * DEADLINE_S, is_merged=True
            )
        return subprocess.run(
            words,
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * DEADLINE_S,
            check=False,
        )

    def _compare(
        self, command: Command, done: subprocess.CompletedProcess[str], block: Block
    ) -> None:
        shown = f"{block}: {command.text}\n{done.stdout}\n{self._in_terminals()}"
        assert done.returncode == command.exit_code, shown
        if command.shown:
            lines = [line.rstrip() for line in done.stdout.splitlines()]
            # A reader is not root.
            printed = "".join(f"{line}\n" for line in lines if not line.startswith(AS_ROOT))
            wanted = pattern(map(self._here, command.shown))
            assert re.fullmatch(wanted, printed), f"{shown}\n{wanted}"

    def _words(self, command: Command) -> list[str]:
        words = [self._here(word) for word in command.words]
        # All that is another way here than on the page: its port is taken, or may be.
        return [*words, "--bind", self.address] if words == ["tandem", "up"] else words

    def _here(self, text: str) -> str:
        port = self.address.rpartition(":")[2]
        return text.replace(ADDRESS, self.address).replace("localhost:8000", f"localhost:{port}")

    def _in_terminals(self) -> str:
        return "\n".join(f"{name}:\n{each.output}" for name, each in self.terminals.items())


def _prepared(tools: Path) -> dict[str, str]:
    # Whatever is installed into this environment.
    for name, arguments in PROGRAMS.items():
        program = tools / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *arguments])} "$@"\n')
        program.chmod(0o755)
    # Its progress bar, which no terminal of a reader's shows where it is not wanted.
    (tools / ".curlrc").write_text("silent\nshow-error\n")
    return {
        "CURL_HOME": str(tools),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        # A file may be written twice within the second that a compiled one remembers.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
