"""Breakages of the request id, and of the logs in JSON."""

from breakage.mutant import Mutant

LINES = "tests/unit/runtime/test_json_lines.py"
RECORDS = "tests/unit/inprocess/test_json_logging.py"
IDS = "tests/unit/inprocess/test_request_id.py"
MULTIPLEXER = "tests/unit/runtime/supervisor/test_log_multiplexer.py"

MUTANTS = (
    Mutant(
        name="an id that outlives its request on WSGI",
        file="inprocess/request_id.py",
        old="EndingBody(body, _reset)",
        new="EndingBody(body, str)",
        tests=(IDS,),
    ),
    Mutant(
        name="an id that outlives its request on ASGI",
        file="inprocess/request_id.py",
        old="CURRENT_REQUEST_ID.reset(token)",
        new="token.var",
        tests=(IDS,),
    ),
    Mutant(
        name="JSON of the project formatted again",
        file="inprocess/json_logging.py",
        old=" or _is_json_of_formatter(text, record)",
        new="",
        tests=(RECORDS,),
    ),
    Mutant(
        name="a message that is an object taken for the record",
        file="inprocess/json_logging.py",
        old="return text.strip() != record.getMessage().strip()",
        new="return True",
        tests=(RECORDS,),
    ),
    Mutant(
        name="NaN taken for JSON",
        file="inprocess/json_logging.py",
        old="json.loads(line, parse_constant=_raise_invalid)",
        new="json.loads(line)",
        tests=(LINES,),
    ),
    Mutant(
        name="bytes that are no text left in an object",
        file="runtime/json_lines.py",
        old=r'f"\\\\x{ord(found[0]) - 0xDC00:02x}"',
        new="found[0]",
        tests=(LINES,),
    ),
    Mutant(
        name="a traceback that ends with its first exception",
        file="runtime/line_blocks.py",
        old="self.is_chained = self.is_chained or line in CHAINED",
        new="pass",
        tests=(LINES,),
    ),
    Mutant(
        name="a key of the project added twice",
        file="runtime/json_lines.py",
        old="if name not in known}",
        new="}",
        tests=(LINES,),
    ),
    Mutant(
        name="a traceback lost at the end",
        file="runtime/supervisor/log_multiplexer.py",
        old="for each in self._formats.values():",
        new="for each in ():",
        tests=(MULTIPLEXER,),
    ),
    Mutant(
        name="lost bytes not counted",
        file="runtime/supervisor/log_multiplexer.py",
        old="if is_behind and lost:",
        new="if False:",
        tests=(MULTIPLEXER,),
    ),
)
