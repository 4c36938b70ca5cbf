"""Breakages of a shift: its decision, its program, its file and its split at the edge."""

from breakage.mutant import Mutant

DECISION = "tests/unit/shift/test_decision.py"
PROGRAM = "tests/unit/shift/test_program.py"
SAMPLES = "tests/unit/shift/test_samples.py"
ADVISED = "tests/unit/shift/test_advised.py"
SHIFTS = "tests/unit/runtime/test_shifts.py"
EDGE = "tests/system/nginx/test_shift.py"

MUTANTS = (
    Mutant(
        name="a route that fails stays on trial",
        file="shift/decision.py",
        old="    failures,\n    new_exceptions,",
        new="    new_exceptions,",
        tests=(DECISION,),
    ),
    Mutant(
        name="a new exception not looked for",
        file="shift/decision.py",
        old="    new_exceptions,\n    slower_p50,",
        new="    slower_p50,",
        tests=(DECISION,),
    ),
    Mutant(
        name="a slow tail not looked for",
        file="shift/decision.py",
        old="    slower_p95,\n    other_status_or_headers,",
        new="    other_status_or_headers,",
        tests=(DECISION,),
    ),
    Mutant(
        name="a body of another length not looked for",
        file="shift/decision.py",
        old="    other_body_size,\n)",
        new=")",
        tests=(DECISION,),
    ),
    Mutant(
        name="a thousand successes outweigh a failure",
        file="shift/decision.py",
        old="((sides.trial, sides.home), _newest(sides))",
        new="((sides.trial, sides.home),)",
        tests=(DECISION,),
    ),
    Mutant(
        name="a failure of both stacks taken for one",
        file="shift/decision.py",
        old="if each.is_failed and not each.fails_at_home]",
        new="if each.is_failed]",
        tests=(DECISION,),
    ),
    Mutant(
        name="a cold worker taken for a slow stack",
        file="shift/decision.py",
        old="warm = sides.trial[WARM_UP:]",
        new="warm = sides.trial",
        tests=(DECISION,),
    ),
    Mutant(
        name="one client taken for many",
        file="shift/decision.py",
        old="return list({(each.client, each.path): each for each in samples}.values())",
        new="return list(samples)",
        tests=(DECISION,),
    ),
    Mutant(
        name="a chance taken for a difference",
        file="shift/decision.py",
        old="CHANCE = 1e-4",
        new="CHANCE = 0.05",
        tests=(DECISION,),
    ),
    Mutant(
        name="a step without requests at home",
        file="shift/decision.py",
        old="((shift.to, sides.trial), (shift.home, sides.home))",
        new="((shift.to, sides.trial),)",
        tests=(DECISION,),
    ),
    Mutant(
        name="a step without its time",
        file="shift/decision.py",
        old="    if left_s > 0:",
        new="    if False:",
        tests=(DECISION,),
    ),
    Mutant(
        name="a client that waits too long not counted",
        file="shift/decision.py",
        old="len(times) + len(left), slow_at_home",
        new="len(times), slow_at_home",
        tests=(DECISION,),
    ),
    Mutant(
        name="older contents compared at 100 %",
        file="shift/decision.py",
        old="    if shift.percent == 100:\n        # Those",
        new="    if False:\n        # Those",
        tests=(DECISION,),
    ),
    Mutant(
        name="a request of the share before counted",
        file="shift/program.py",
        old=" or sample.at - sample.took_s < step.began_s",
        new="",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="a reload compared with the code before",
        file="shift/program.py",
        old="shift.percent == 100 and is_same_code",
        new="shift.percent == 100",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="an end that waits for the room of a step",
        file="shift/program.py",
        old="    if any(old.percent and not new.percent for old, new in pairs):",
        new="    if False:",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="a paused shift goes on",
        file="shift/program.py",
        old="decision.action is Action.WAIT or shift.state is ShiftState.PAUSED:",
        new="decision.action is Action.WAIT:",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="a failure that waits for the next second",
        file="shift/program.py",
        old="if has_failed or is_ready or is_due:",
        new="if is_due:",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="a shift that is done without 100 %",
        file="shift/program.py",
        old="    if shift.percent == 100:\n        reason",
        new="    if True:\n        reason",
        tests=(PROGRAM,),
    ),
    Mutant(
        name="the end of a split needs a new one",
        file="runtime/shifts.py",
        old="            _end_splits(run_dir, split)\n",
        new="            pass\n",
        tests=(SHIFTS,),
    ),
    Mutant(
        name="a full disk loses the end of a shift",
        file="runtime/shifts.py",
        old="        if len(text) > room:",
        new="        if True:",
        tests=(SHIFTS,),
    ),
    Mutant(
        name="a command that splits before anybody watches",
        file="runtime/shifts.py",
        old="        is_stale = is_watcher and split != read_split(run_dir)",
        new="        is_stale = split != read_split(run_dir)",
        tests=(SHIFTS,),
    ),
    Mutant(
        name="the response at home taken for the trial's",
        file="shift/samples.py",
        old="return parts[0] if was_answered else parts[-1]",
        new="return parts[-1]",
        tests=(SAMPLES,),
    ),
    Mutant(
        name="a client that has left taken for a failure",
        file="shift/samples.py",
        old="is_failed=was_answered or found >= 500",
        new="is_failed=was_answered or found >= 499",
        tests=(SAMPLES,),
    ),
    Mutant(
        name="a HEAD taken for an empty body",
        file="shift/samples.py",
        old=' and method != "HEAD"',
        new="",
        tests=(SAMPLES,),
    ),
    Mutant(
        name="advice that needs a change of code followed",
        file="shift/advised.py",
        old="needs_change = to is Stack.ASGI and bool(each.changes)",
        new="needs_change = False",
        tests=(ADVISED,),
    ),
    Mutant(
        name="a POST sent twice",
        file="render/templates/nginx/shifts.conf.j2",
        old='"~^asgi:(?:GET|HEAD)$"',
        new='"~^asgi:"',
        tests=(EDGE,),
    ),
    Mutant(
        name="a client gets the failure of a trial",
        file="render/templates/nginx/nginx.conf.j2",
        old="            error_page 500 502 503 504 = @tandem_answered_{{ home }};\n",
        new="",
        tests=(EDGE,),
    ),
)
