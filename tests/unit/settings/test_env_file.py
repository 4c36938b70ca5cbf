"""The format of ENV_FILE is systemd's, and no error shows a value."""

import os

import pytest

from django_tandem.errors import SettingError
from django_tandem.settings.env_file import parse, read_env_files


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=", {"A": ""}),
        ("A=\nB=1", {"A": "", "B": "1"}),
        ("\n  \n# A=1\n; B=2\n  # C=3\n", {}),
        ("# a comment ends with its line \\\nA=1", {"A": "1"}),
        ("A = 1 ", {"A": "1"}),
        ("A=one two  three", {"A": "one two  three"}),
        ("A=x # no comment", {"A": "x # no comment"}),
        ("A=postgres://u:p=w@h/d?x=1", {"A": "postgres://u:p=w@h/d?x=1"}),
        ("A=$HOME ${HOME} `id`", {"A": "$HOME ${HOME} `id`"}),
        ('A=say "hi" don\'t', {"A": 'say "hi" don\'t'}),
        ("A=one\\\n two\nB=1", {"A": "one two", "B": "1"}),
        ("A=C:\\\\dir \\x\\ ", {"A": "C:\\dir x "}),
        ("A=' $x \\n \"q\" '  \nB=1", {"A": ' $x \\n "q" ', "B": "1"}),
        ("A='one\ntwo'\nB=1", {"A": "one\ntwo", "B": "1"}),
        ('A="one\ntwo" \r\nB=1', {"A": "one\ntwo", "B": "1"}),
        ('A="\\"q\\" \\$x \\` \\\\ \\n it\'s \\\nend"', {"A": '"q" $x ` \\ \\n it\'s end'}),
        ("A=''\nB=\"\"", {"A": "", "B": ""}),
        ("export A=1\n\texport  B='2'", {"A": "1", "B": "2"}),
        ("A\nexport B\nC=1", {"C": "1"}),
        ("A_1=ü\n_b=☃", {"A_1": "ü", "_b": "☃"}),
    ],
)
def test_a_file_is_read_as_systemd_reads_it(text, expected) -> None:
    """A bare name is inherited, as with Docker, and `export` is allowed, as in a shell."""
    assert parse(text, ".env") == expected


PEM = "KEY=-----BEGIN KEY-----\nc2VjcmV0c2VjcmV0+/c2VjcmV0\nc2VjcmV0==\n"


NO_NAME = (
    "  A name has letters, digits and underscores, and does not begin with a digit. Put quotes "
    "around a value of several lines. The line is not shown, since it may be a part of one."
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PEM,
            ".env, line 2 is neither NAME=VALUE nor a comment.\n"
            "  Put quotes around a value of several lines. The line is not shown, since it may be "
            "a part of one.",
        ),
        (
            "A=1\n\nDB-URL=c2VjcmV0",
            '.env, line 3 has no variable\'s name before its "=".\n' + NO_NAME,
        ),
        (
            "=c2VjcmV0",
            '.env, line 1 has no variable\'s name before its "=".\n' + NO_NAME,
        ),
        (
            "A=AAAA\nc2VjcmV0+c2VjcmV0==",
            '.env, line 2 has no variable\'s name before its "=".\n' + NO_NAME,
        ),
        (
            "A=AAAA\nc2VjcmV0='c2VjcmV0",
            ".env, line 2 has a quote that is not closed.\n"
            "  Close it, or put the value into the other kind of quotes.",
        ),
        (
            "A=1\nB='c2VjcmV0\nC=2\n",
            ".env, line 2 has a quote that is not closed.\n"
            "  Close it, or put the value into the other kind of quotes.",
        ),
        (
            'A="c2VjcmV0\nc2VjcmV0" # the key\n',
            ".env, line 2 has text after a closing quote.\n"
            "  Put a comment on its own line, and quotes around the whole value.",
        ),
        ("A=c2VjcmV0\0", ".env has a NUL byte, which no variable can hold.\n  Remove it."),
    ],
    ids=[
        "no assignment",
        "name",
        "no name",
        "base64",
        "base64 before a quote",
        "open quote",
        "after a quote",
        "NUL",
    ],
)
def test_an_error_names_the_file_the_line_and_no_value(text, message) -> None:
    """Logs and terminals are read by more people than the file."""
    with pytest.raises(SettingError) as caught:
        parse(text, ".env")

    assert str(caught.value) == message
    assert "c2VjcmV0" not in str(caught.value)


def test_a_later_file_takes_precedence_and_a_dash_lets_one_be_missing(tmp_path) -> None:
    """As for several EnvironmentFile= lines."""
    first, second = tmp_path / "first.env", tmp_path / "second.env"
    first.write_text("A=1\nB=1")
    second.write_text("\ufeffB=2")

    found = read_env_files([str(first), f"-{tmp_path}/none.env", f"-{second}"])

    assert found == {"A": "1", "B": "2"}


def test_a_missing_file_is_an_error(tmp_path) -> None:
    """A start without its variables would fail in a less obvious way, or serve with defaults."""
    file = tmp_path / ".env"
    with pytest.raises(SettingError) as caught:
        read_env_files([str(file)])

    assert str(caught.value) == (
        f"The environment file {file} does not exist.\n  Create it. Where it may be missing, put a "
        f'dash before its path: "-{file}" in TANDEM["ENV_FILE"], or `--env-file=-{file}`.'
    )


def test_a_file_that_cannot_be_read_is_an_error(tmp_path) -> None:
    """A directory, a pipe that would block, a large file, or bytes that are not UTF-8."""
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    large.write_text("#" * (1024 * 1024 + 1))
    binary = tmp_path / "binary"
    binary.write_bytes(b"A=\xff")
    for file, message in (
        (
            tmp_path,
            "is not a regular file.\n"
            "  Name a file: each generation reads it again, which a pipe does not allow.",
        ),
        (
            pipe,
            "is not a regular file.\n"
            "  Name a file: each generation reads it again, which a pipe does not allow.",
        ),
        (
            large,
            "is larger than 1 MB.\n  Keep only environment variables in it.",
        ),
        (binary, "is not a text in UTF-8.\n  Save it in UTF-8."),
    ):
        with pytest.raises(SettingError) as caught:
            read_env_files([str(file)])

        assert str(caught.value) == f"The environment file {file} {message}"
