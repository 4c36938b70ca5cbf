"""Each format has its own quoting; a value that it can't represent is an error."""

import configparser
import shlex

import crossplane
import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from django_tandem.errors import QuotingError
from django_tandem.render import quoting

AWKWARD = [
    "plain",
    "with blank",
    'a"b',
    "a'b",
    "back\\slash",
    "semi;colon",
    "{brace}",
    "#hash",
    "é",
]


@pytest.mark.parametrize("value", AWKWARD)
def test_nginx_reads_back_what_was_quoted(value, tmp_path) -> None:
    """One parameter, with the same text."""
    path = tmp_path / "nginx.conf"
    path.write_text(f"http {{ server_name {quoting.nginx(value)}; }}")

    parsed = crossplane.parse(str(path), strict=False, check_ctx=False, check_args=False)

    (directive,) = parsed["config"][0]["parsed"][0]["block"]
    # crossplane keeps the escapes that NGINX takes out.
    assert [arg.replace('\\"', '"').replace("\\\\", "\\") for arg in directive["args"]] == [value]


def test_nginx_has_no_escape_for_a_dollar_sign() -> None:
    """It would begin a variable."""
    with pytest.raises(QuotingError, match="dollar sign"):
        quoting.nginx("/srv/$HOME")

    assert quoting.nginx_regex("^/a$") == '"^/a$"'


def test_a_text_for_nginx_has_a_variable_for_a_dollar_sign() -> None:
    """And a blank for a control character: it is read by people."""
    assert quoting.nginx_text('^a\n"$') == '"^a \\"${tandem_dollar}"'


@pytest.mark.parametrize("quote", [quoting.nginx, quoting.nginx_regex, quoting.supervisor])
@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a\rb", "\x7f"])
def test_no_format_has_an_escape_for_control_characters(quote, value) -> None:
    """A value with one is an error."""
    with pytest.raises(QuotingError, match="control character"):
        quote(value)


def test_a_parameter_longer_than_nginx_reads_is_an_error() -> None:
    """NGINX's own message would not name the value."""
    with pytest.raises(QuotingError, match="longer than 4096 bytes"):
        quoting.nginx_regex("é" * 2100)


@pytest.mark.parametrize("value", [*AWKWARD, "100%", "%(here)s", "a,b=c", ""])
def test_supervisor_splits_a_command_into_the_same_arguments(value) -> None:
    """supervisord expands percent signs, and then splits as a shell does."""
    written = quoting.supervisor_command(["program", value])

    assert shlex.split(written % {"here": "NOT"}) == ["program", value]


@pytest.mark.parametrize("value", [*AWKWARD, "100%", "a,b=c"])
def test_supervisor_reads_back_an_environment(value) -> None:
    """By supervisor's own reader of key and value pairs."""
    written = quoting.supervisor_environment([("A", value), ("B", "2")])

    assert dict_of_key_value_pairs(written % {}) == {"A": value, "B": "2"}


@pytest.mark.parametrize("value", ["both ' and \"", "'ends", 'ends"'])
def test_supervisor_has_no_escape_for_some_quotes(value) -> None:
    """It would strip them."""
    with pytest.raises(QuotingError, match="both kinds of quotes"):
        quoting.supervisor_environment([("A", value)])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a b'c\"d", "both kinds of quotes, or begins or ends with one"),
        ("a #b", "a control character, or a semicolon or a hash after a space"),
        ("a\nb", "a control character, or a semicolon or a hash after a space"),
    ],
)
def test_the_error_names_a_variable_without_its_value(value, reason) -> None:
    """Which may be a secret, and errors are logged."""
    with pytest.raises(QuotingError) as raised:
        quoting.supervisor_environment([("API_TOKEN", value)])

    assert str(raised.value) == (
        "The value of API_TOKEN can't be written to the environment in supervisord.conf: it has "
        f"{reason}.\n  Set it in the environment in which tandem starts."
    )


def test_supervisor_would_cut_a_value_at_a_comment() -> None:
    """A space and a semicolon begin one."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string("[a]\nb=c ;d")
    assert parser["a"]["b"] == "c"

    for value in ("c ;d", "c #d", "#d"):
        with pytest.raises(QuotingError, match="semicolon or a hash after a space"):
            quoting.supervisor(value)


def test_a_comment_stays_on_its_line() -> None:
    """A pattern with a newline must not begin a directive."""
    assert quoting.nginx_comment("a\n} evil;") == "a?} evil;"
