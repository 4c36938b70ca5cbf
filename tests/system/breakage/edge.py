"""Breakages of the table that is made of the patterns, of NGINX's file, and of the handover."""

from breakage.mutant import ONCE, Mutant, oracle_tests

REDIRECT = "tests/system/nginx/test_redirect.py"

MUTANTS = (
    Mutant(
        name="order of the rules reversed",
        file="routing/table.py",
        old="return kept[::-1]",
        new="return kept",
        tests=oracle_tests("shadowed"),
    ),
    Mutant(
        name="WSGI rules dropped that shadow a later one",
        file="routing/table.py",
        old="elif not later.overlaps(rule.match):",
        new="else:",
        tests=oracle_tests("shadowed"),
    ),
    Mutant(
        name="shorter prefixes taken for harmless",
        file="routing/table.py",
        old="return at < len(self._sorted) and self._sorted[at].startswith(match.prefix)",
        new="return False",
        tests=oracle_tests("catch_all_first"),
    ),
    Mutant(
        name="longer prefixes taken for harmless",
        file="routing/table.py",
        old="if any(match.prefix[:length] in self._prefixes for length in self._lengths):",
        new="if False:",
        tests=oracle_tests("slash_at_the_end_or_not", "async_and_sync_below_one_prefix"),
    ),
    Mutant(
        name="inexact route trusted at the edge",
        file="routing/table.py",
        old="Stack.WSGI if may_need_handover and verdict.route.by_django else verdict.stack",
        new="verdict.stack",
        tests=oracle_tests("converters_that_refuse"),
    ),
    Mutant(
        name="neighbours merged without their order",
        file="render/nginx.py",
        old="groupby(rules, key=lambda rule: rule.stack)",
        new="groupby(sorted(rules, key=lambda rule: rule.stack), key=lambda rule: rule.stack)",
        tests=oracle_tests("shadowed"),
    ),
    Mutant(
        name="alternatives that leak when merged",
        file="render/nginx.py",
        old='"|".join(f"(?:{text})" for text in texts)',
        new='"".join(texts)',
        tests=oracle_tests("many_routes"),
    ),
    Mutant(
        name="backslashes not doubled for NGINX",
        file="render/quoting.py",
        old="""quoted = '"' + text.replace("\\\\", "\\\\\\\\").replace""",
        new="""quoted = '"' + text.replace""",
        tests=oracle_tests("special_literals"),
    ),
    Mutant(
        name="merge_slashes on",
        file="render/templates/nginx/maps.conf.j2",
        old="merge_slashes off;",
        new="merge_slashes on;",
        tests=oracle_tests("leading_slash"),
    ),
    Mutant(
        name="dot segments passed on",
        file="render/templates/nginx/maps.conf.j2",
        old='"~*^[^?#]*',
        new='"~*^never[^?#]*',
        tests=oracle_tests("dot_segments"),
    ),
    Mutant(
        name="raw octets let in",
        file="render/templates/nginx/target.conf.j2",
        old='if ($request_uri ~ "[^\\x21-\\x7e]") {',
        new='if ($request_uri = "") {',
        tests=oracle_tests("beyond_ascii"),
    ),
    Mutant(
        name="nothing handed over",
        file="inprocess/routed_request.py",
        old="if not routed.may_hand_over or decision.stack is own:",
        new="if routed.match is None or decision.stack:",
        tests=oracle_tests("converters_that_refuse"),
    ),
    Mutant(
        name="handover's loop guard removed on WSGI",
        file="inprocess/handover.py",
        old="may_hand_over=self.is_enabled and came_by_edge and not was_handed,",
        new="may_hand_over=self.is_enabled and came_by_edge,",
        tests=(ONCE,),
    ),
    Mutant(
        name="handover's loop guard removed on ASGI",
        file="inprocess/handover.py",
        old="may_hand_over = self.is_enabled and came_by_edge and not was_handed",
        new="may_hand_over = self.is_enabled and came_by_edge",
        tests=(ONCE,),
    ),
    Mutant(
        name="challenges of ACME redirected",
        file="render/templates/nginx/redirect.conf.j2",
        old="(?!/\\.well-known/acme-challenge/|/\\.tandem/ready\\z)",
        new="",
        tests=(f"{REDIRECT}::test_a_challenge_is_answered_from_the_webroot",),
    ),
    Mutant(
        name="HTTPS of a trusted proxy redirected",
        file="render/templates/nginx/redirect.conf.j2",
        old='"$https:$tandem_scheme:$uri"',
        new='"$https:$scheme:$uri"',
        tests=(f"{REDIRECT}::test_https_that_ends_at_a_trusted_proxy_is_not_redirected",),
    ),
)
