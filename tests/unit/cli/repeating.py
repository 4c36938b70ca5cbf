"""Run each command line of `tandem` that is written to a pipe: see repeated.py."""

import contextlib
import io
import json
import sys

from django_tandem.cli import main

with open(sys.argv[1]) as lines:  # noqa: PTH123
    print("ready", flush=True)
    for line in lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(json.loads(line))
            except SystemExit as ended:
                code = ended.code
        print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
