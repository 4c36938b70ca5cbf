"""A route is shifted on a running stack, and is rolled back automatically where it differs."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time
from collections import Counter

import pytest

from django_tandem.model.shifts import ShiftState
from django_tandem.runtime import lock, mirrored, shifts, supervisord
from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import Up, started, tandem

URLS = """
import time

from django.http import HttpResponse
from django.urls import path


def on_asgi(request):
    return hasattr(request, "scope")


def kind(request):
    return HttpResponse(type(request).__name__)


def same(request):
    return HttpResponse("same")


def environ(request):
    return HttpResponse(request.environ["REQUEST_METHOD"])


def slow(request):
    time.sleep(0.3 if on_asgi(request) else 0.1)
    return HttpResponse("slow")


def body(request):
    return HttpResponse("x" * (50 if on_asgi(request) else 500))


async def coroutine(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [
    path("environ/", environ),
    path("slow/", slow),
    path("body/", body),
    path("moved/", kind),
    path("kind/", kind, name="kind"),
    path("async/", coroutine),
    # For the mirror, which a route that is shifted has no more.
    path("mirrored/", kind),
    path("alike/", same),
]
"""

SETTINGS = """
ALLOWED_HOSTS = ["*"]
DEBUG = False
TANDEM = {"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "SHIFT": {"ROUTES": ["/kind/"]}}
"""

# A machine under load is slow by chance, and then a shift of another kind would be rolled back.
WIDE = "10000"
LEVEL = ("--tolerance", WIDE)

clients = itertools.count()


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    directory = startproject(tmp_path_factory.mktemp("p"))
    (directory / "mysite" / "urls.py").write_text(URLS)
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS)
    with Up(directory) as running:
        yield running


def get(up, target: str) -> tuple[int, str]:
    """Return the answer to another client."""
    answer = ask(up.port, target, headers=[("Cookie", f"sessionid=s{next(clients)}")])
    return answer.status, answer.text


def run(up, *arguments: str) -> str:
    done = tandem(up.directory, "shift", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of(up, route: str):
    return next(each for each in shifts.read(up.run_dir) if each.route == route)


def splits(up) -> set[int]:
    return {each[3] for each in shifts.read_split(up.run_dir)}


@pytest.mark.parametrize(
    ("route", "answer", "tolerance", "reason"),
    [
        ("/environ/", "GET", WIDE, "AttributeError"),
        ("/slow/", "slow", "25", "ms on WSGI: more than 25% above it."),
        ("/body/", "x" * 500, WIDE, "that of /body/ has 50 bytes, and 500 on WSGI."),
    ],
)
def test_a_route_that_differs_is_taken_back(up, route, answer, tolerance, reason) -> None:
    """Before twenty of its requests differ; no client gets an error, and other routes stay."""
    run(up, route, "--to", "asgi", "--steps", "20,50,100", "--tolerance", tolerance)
    got = Counter[tuple[int, str]]()
    kinds = set()
    for _ in range(400):
        got[get(up, route)] += 1
        kinds.add(get(up, "/kind/"))
        if not of(up, route).is_watched:
            break
        # The program compares at intervals; on a busy machine it would be late without pauses.
        time.sleep(0.02)
    found = of(up, route)

    assert found.state is ShiftState.ROLLED_BACK, got
    assert reason in found.reason
    assert kinds == {(200, "WSGIRequest")}
    assert {status for status, _ in got} == {200}
    assert found.on_trial.requests <= 20
    assert got.total() - got[200, answer] <= 20
    assert found.requests
    # The switch is the split that is gone, not only what the file says of it.
    wait_for(lambda: splits(up) == set())
    assert get(up, route) == (200, answer)


def test_the_requests_of_a_rollback_are_in_the_logs(up) -> None:
    """By the ids that the status prints."""
    request = of(up, "/environ/").requests[0]
    done = tandem(up.directory, "logs", "nginx", "--request", request)

    assert "GET /environ/" in done.stdout


def test_a_route_that_is_alike_goes_through_its_steps(up) -> None:
    """Until all of its clients are on the new stack, and a pin says so in the project."""
    steps = ("--steps", "50,100", "--every", "1s", "--samples", "5")
    run(up, "/moved/", "--to", "asgi", *steps, *LEVEL)

    def step():
        get(up, "/moved/")
        return of(up, "/moved/").state is ShiftState.DONE

    wait_for(step, within_s=60)
    assert {get(up, "/moved/") for _ in range(20)} == {(200, "ASGIRequest")}
    assert of(up, "/moved/").percent == 100
    assert run(up, "/moved/", "--write") == (
        f'Wrote ("=/moved/", "asgi") to {up.directory / "mysite" / "settings.py"}. '
        "`tandem reload` follows it.\n"
    )
    done = tandem(up.directory, "reload")
    assert 'The project has "/moved/" on ASGI now: its shift is over.' in done.stderr
    assert not [each for each in shifts.read(up.run_dir) if each.route == "/moved/"]


def test_all_clients_at_once_leave_nothing_to_compare_with(up) -> None:
    """As a first step; after a compared one it is the next."""
    done = tandem(up.directory, "shift", "kind", "--to", "asgi", "--percent", "100")

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "`--percent 100` leaves no request of /kind/ on WSGI to compare with.\n"
        "  Begin with a smaller share, as in `--steps 50,100`: the last step is compared with the "
        "one before it.\n",
    )
    run(up, "kind", "--to", "asgi", "--percent", "50", *LEVEL)

    def has_compared():
        get(up, "/kind/")
        return of(up, "/kind/").at_home.requests >= 5

    wait_for(has_compared, within_s=60)
    run(up, "kind", "--to", "asgi", "--percent", "100", "--samples", "5", *LEVEL)
    assert {get(up, "/kind/") for _ in range(20)} == {(200, "ASGIRequest")}
    assert run(up, "kind", "--abort") == "/kind/ to ASGI: aborted, 0 % of its clients.\n"


def test_an_async_view_is_shifted_to_wsgi(up) -> None:
    """Where it runs as Django runs it there."""
    run(up, "/async/", "--to", "wsgi", "--percent", "99", *LEVEL)

    assert (200, "WSGIRequest") in {get(up, "/async/") for _ in range(20)}
    run(up, "/async/", "--abort")
    assert {get(up, "/async/") for _ in range(20)} == {(200, "ASGIRequest")}


def test_advice_that_is_not_sure_starts_nothing(up) -> None:
    """The settings name a route, and a minute of its requests is no evidence."""
    before = shifts.read(up.run_dir)

    assert run(up, "--auto") == "No shift is advised.\n"
    assert shifts.read(up.run_dir) == before


def killed_shifter(up) -> None:
    before = wait_for(lambda: lock.holder(up.run_dir, lock.SHIFTER))
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: lock.holder(up.run_dir, lock.SHIFTER) not in (None, before), within_s=30)


def killed(program: str):
    def kill(up) -> None:
        before = supervisord.pid_of(up.run_dir, program)
        os.kill(before or 0, signal.SIGKILL)
        wait_for(lambda: supervisord.pid_of(up.run_dir, program) not in (None, before), within_s=30)
        wait_for(lambda: get_or_none(up) is not None, within_s=30)

    return kill


def get_or_none(up):
    try:
        return get(up, "/kind/")
    except OSError:
        return None


def reloaded(up) -> None:
    assert tandem(up.directory, "reload").returncode == 0


@pytest.mark.parametrize(
    "fault",
    [killed_shifter, killed("monitor"), killed("nginx"), reloaded],
    ids=["shift", "monitor", "edge", "reload"],
)
def test_a_fault_leaves_the_split_as_it_was(up, fault) -> None:
    """In the middle of a step; the requests on trial are watched afterwards as before."""
    run(up, "/kind/", "--to", "asgi", "--percent", "40", *LEVEL)
    cookies = [[("Cookie", f"sessionid=f{number}")] for number in range(20)]
    before = [ask(up.port, "/kind/", headers=each).text for each in cookies]
    fault(up)
    after = [ask(up.port, "/kind/", headers=each).text for each in cookies]

    assert set(before) == {"ASGIRequest", "WSGIRequest"}
    assert after == before
    assert splits(up) == {40}

    # The file keeps the figures from before the fault.
    noted = of(up, "/kind/")

    def seen():
        get(up, "/kind/")
        found = of(up, "/kind/")
        is_new = found.on_trial != noted.on_trial and found.at_home != noted.at_home
        return is_new and found.on_trial.requests and found.at_home.requests

    wait_for(seen, within_s=30)
    run(up, "/kind/", "--abort")
    assert splits(up) == set()


@contextlib.contextmanager
def mirroring(up, route: str, *args: str):
    """Run a mirror; its exit code and its output are those of the block's value, afterwards."""
    process = started(up.directory, "shift", route, "--to", "asgi", "--mirror", *args)
    done = subprocess.CompletedProcess(process.args, 0)
    try:
        wait_for(
            lambda: (up.run_dir / mirrored.DIRECTORY).exists() or process.poll() is not None,
            within_s=60,
        )
        yield done
        process.send_signal(signal.SIGINT)
    finally:
        # Of a few lines, which its pipes hold until it has ended.
        done.returncode = process.wait(timeout=60)
        with process.stdout, process.stderr:
            done.stdout, done.stderr = process.stdout.read(), process.stderr.read()


def wait_for_comparisons(up, count: int) -> None:
    def compared() -> bool:
        run = mirrored.read(up.run_dir)
        return run is not None and run.report.compared >= count

    wait_for(compared, within_s=60)


def test_a_mirror_reports_in_what_the_responses_differ(up) -> None:
    """With an example, while each client gets the response of the home stack."""
    with mirroring(up, "/mirrored/") as done:
        assert get(up, "/mirrored/?token=x") == (200, "WSGIRequest")
        wait_for_comparisons(up, 1)

    assert done.stderr == (
        "GETs of /mirrored/ go to WSGI as before, and copies to both stacks for 10 min 0 s. "
        "Ctrl-C ends it, and prints the report.\n"
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "/mirrored/ was mirrored to ASGI: 1 request compared. 0 equal, 1 different.",
        "",
        "body: once, first by /mirrored/?token=…",
        "  --- WSGI",
        "  +++ ASGI",
        "  @@ line 1 @@",
        "  -WSGIRequest",
        "  +ASGIRequest",
    ]
    assert not (up.run_dir / mirrored.DIRECTORY).exists()


def test_a_mirror_of_equal_responses_ends_with_the_next_step(up) -> None:
    """What `--ignore` matches is not compared."""
    with mirroring(up, "/mirrored/", "--ignore", "/[AW]SGI/", "--json") as done:
        get(up, "/mirrored/")
        get(up, "/alike/")
        wait_for_comparisons(up, 1)
        status = tandem(up.directory, "shift", "--status", "/mirrored/")

    assert (done.returncode, status.returncode) == (0, 0)
    assert status.stdout.splitlines()[-1] == (
        "/mirrored/ is mirrored to ASGI: 1 request compared. 1 equal, 0 different."
    )
    assert json.loads(done.stdout)["report"]["compared"] == 1


def test_a_mirror_that_was_killed_is_not_noticed_and_is_cleared(up) -> None:
    """The copies find no socket; the next command ends them."""
    with mirroring(up, "/alike/"):
        pid = lock.holder(up.run_dir, lock.MIRROR)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: lock.holder(up.run_dir, lock.MIRROR) is None)
        assert get(up, "/alike/") == (200, "same")
        tandem(up.directory, "shift", "--status")

        assert not (up.run_dir / mirrored.DIRECTORY).exists()


def test_a_mirror_without_requests_compares_nothing(up) -> None:
    """That is no success."""
    done = tandem(up.directory, "shift", "/alike/", "--to", "asgi", "--mirror", "--for", "1s")

    assert done.returncode == 1
    assert done.stdout == "No GET of /alike/ arrived in that time, so nothing was compared.\n"


def test_a_shift_lasts_through_a_stop(tmp_path_factory, up) -> None:
    """The stack that starts splits the requests from its first one on."""
    run(up, "kind", "--to", "asgi", "--percent", "99", *LEVEL)
    up.stop(signal.SIGINT)
    status = json.loads(run(up, "--status", "--json"))
    with Up(up.directory) as again:
        found = {get(again, "/kind/") for _ in range(20)}
        noted = again.output

    assert {each["route"]: each["percent"] for each in status}["/kind/"] == 99
    assert (200, "ASGIRequest") in found
    assert '"/kind/" is shifted to ASGI for 99 % of its clients.' in noted
