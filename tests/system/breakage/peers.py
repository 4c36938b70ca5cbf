"""Breakages of an edge whose stacks are on other hosts: of retries, names and trust."""

from breakage.mutant import Mutant

NGINX = "tests/system/nginx/test_peers.py"
PLAN = "tests/unit/plan/test_peers.py"
TEMPLATES = "render/templates/nginx"

MUTANTS = (
    Mutant(
        name="request sent again that a peer has had",
        file=f"{TEMPLATES}/nginx.conf.j2",
        old="        proxy_next_upstream off;",
        new="        proxy_next_upstream error timeout;",
        tests=(f"{NGINX}::test_a_peer_that_dies_over_a_request_has_had_it",),
    ),
    Mutant(
        name="one attempt for each request",
        file=f"{TEMPLATES}/upstreams.conf.j2",
        old="{% for retry in each.retries | reverse %}",
        new="{% for retry in () %}",
        tests=(f"{NGINX}::test_a_peer_that_refuses_is_passed_over",),
    ),
    Mutant(
        name="peers not tried that are marked as failed",
        file="render/upstreams.py",
        old="enumerate(self._attempts(), start=1)",
        new="enumerate(((name, self.url, turn) for name, _, turn in self._attempts()), start=1)",
        tests=(f"{NGINX}::test_slow_views_do_not_take_their_peers_away",),
    ),
    Mutant(
        name="attempts that requests share alone",
        file="render/upstreams.py",
        old='(f"turn{number}", self.turn_url, turn)',
        new='(f"turn{number}", self.any_url, turn)',
        tests=(f"{NGINX}::test_requests_share_no_attempt",),
    ),
    Mutant(
        name="timeout of a connection taken for one of a view",
        file=f"{TEMPLATES}/nginx.conf.j2",
        old="        error_page 504 = $tandem_timed_out;\n",
        new="",
        tests=(f"{NGINX}::test_a_peer_that_is_cut_off_is_passed_over",),
    ),
    Mutant(
        name="names resolved once",
        file="render/upstreams.py",
        old="resolve = RESOLVE if peer.is_name and can_resolve else",
        new='resolve = "" if peer.is_name and can_resolve else',
        tests=(f"{NGINX}::test_a_name_is_resolved_again",),
    ),
    Mutant(
        name="certificates of the stacks not verified",
        file=f"{TEMPLATES}/nginx.conf.j2",
        old="        proxy_ssl_verify on;\n",
        new="",
        tests=(f"{NGINX}::test_a_stack_of_another_ca_gets_no_request",),
    ),
    Mutant(
        name="secret readable by every user",
        file="render/nginx.py",
        old="mode = 0o600 if edge.peers.secret else 0o644",
        new="mode = 0o644",
        tests=(f"{NGINX}::test_nobody_else_reads_the_secret",),
    ),
    Mutant(
        name="secret in the output of a comparison",
        file="output.py",
        old="    return _SECRETS.sub(digest, text)",
        new="    return text",
        tests=("tests/unit/test_output.py::test_a_comparison_shows_no_secret",),
    ),
    Mutant(
        name="stacks of other hosts trusted without a secret",
        file="plan/peers.py",
        old="    return bool(given.secret or given.tls)",
        new="    return True",
        tests=(
            f"{PLAN}::test_a_peer_on_another_host_is_to_be_trusted",
            f"{PLAN}::test_a_stack_that_other_hosts_reach_trusts_no_one_without_a_secret",
        ),
    ),
)
