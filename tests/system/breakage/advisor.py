"""Breakages of the advice: evidence, rules, gains and the source of views."""

from breakage.mutant import Mutant

EVIDENCE = "tests/unit/advisor/test_evidence.py"
VERDICTS = "tests/unit/advisor/test_verdicts.py"
GAINS = "tests/unit/advisor/test_gains.py"
SOURCE = "tests/unit/advisor/test_source.py"

MUTANTS = (
    Mutant(
        name="a wait for a CPU taken for a wait",
        file="advisor/rules.py",
        old="found.cpu_each_s + found.delay_each_s",
        new="found.cpu_each_s",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="busy CPUs without an effect",
        file="advisor/rules.py",
        old="        return min(found.each_s, measured * self.capacity.stretch)\n",
        new="        return measured\n",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a blocked loop compared with a disturbed request",
        file="advisor/rules.py",
        old="    alone_s = found.p10_s or found.each_s\n    least_s",
        new="    alone_s = found.each_s\n    least_s",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="failing requests judged",
        file="advisor/rules.py",
        old="    failing_rule,\n",
        new="",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="computing moved to an event loop",
        file="advisor/rules.py",
        old="    mixed_rule,\n",
        new="",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a route without weight moved",
        file="advisor/rules.py",
        old="    weightless_rule,\n",
        new="",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a queue charged to those who stand in it",
        file="advisor/evidence.py",
        old="queue_s[each.stack] * each.worker_s / held_s[each.stack]",
        new="each.queue_s",
        tests=(EVIDENCE,),
    ),
    Mutant(
        name="a timeout in the queue taken for a worker's time",
        file="monitor/aggregates.py",
        old="            record.unanswered_s += worker_s\n",
        new="            record.worker_s += worker_s\n",
        tests=("tests/unit/monitor/test_aggregates.py",),
    ),
    Mutant(
        name="whole minutes at both ends of a short history",
        file="advisor/evidence.py",
        old="    if len(between) < 2 or",
        new="    if True or",
        tests=(EVIDENCE,),
    ),
    Mutant(
        name="a promise for a queue with other causes",
        file="advisor/gains.py",
        old="min(shorter, 1000 * (now - then))",
        new="shorter",
        tests=(GAINS,),
    ),
    Mutant(
        name="a call in another file not read",
        file="advisor/source.py",
        old="if calls < CALLS:",
        new="if calls < 0:",
        tests=(SOURCE,),
    ),
    Mutant(
        name="a handful of requests judged",
        file="advisor/rules.py",
        old="    few_rule,\n    failing_rule",
        new="    failing_rule",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a route of unknown CPU time judged",
        file="advisor/rules.py",
        old="    unmeasured_rule,\n    blocking_rule",
        new="    blocking_rule",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a thread that computes left on the loop",
        file="advisor/rules.py",
        old="    thread_rule,\n    on_asgi_rule",
        new="    on_asgi_rule",
        tests=(VERDICTS,),
    ),
    Mutant(
        name="a loop blocked for a while taken for one that is always",
        file="advisor/rules.py",
        old="    if blocked_s < LEAST_BLOCKED_SHARE * alone_s:",
        new="    if False:",
        tests=(VERDICTS,),
    ),
)
