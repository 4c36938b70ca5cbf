"""`tandem render nginx` writes what can be committed, and --check compares it in CI."""

import re
import shutil
from pathlib import Path

import pytest
from nginx import certificates

from django_tandem.model.shifts import route_id
from django_tandem.runtime.preflight import check_nginx
from harness.projects import startproject
from harness.stack import tandem

pytestmark = pytest.mark.processes

URLS = """
from django.http import HttpResponse
from django.urls import path


def sync(request):
    return HttpResponse()


async def asynchronous(request):
    return HttpResponse()


urlpatterns = [
    path("feed/", asynchronous),
    path("about/", sync),
]
"""

SETTINGS = """
DEBUG = False
STATIC_ROOT = BASE_DIR / "collected"
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "/media/"
TANDEM = {
    "EDGE": {
        "MEDIA": True,
        "INCLUDE": "edge/more.conf",
        "TLS": {"CERTIFICATE": "edge/chain.pem", "KEY": "edge/key.pem"},
    },
    "ROUTES": [("/ws/", "asgi", {"STRIP": True})],
    "METRICS": "127.0.0.1:9001",
}
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """A project that keeps its deployment files in deploy/."""
    directory = tmp_path / "shop"
    directory.mkdir()
    startproject(directory)
    (directory / "mysite" / "urls.py").write_text(URLS)
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS)
    return directory


def _render(project: Path, *more: str) -> None:
    done = tandem(project, "render", "nginx", "--output", "deploy", *more)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def _check(project: Path) -> tuple[int, str]:
    done = tandem(project, "render", "nginx", "--output", "deploy", "--check")
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("nginx", ["nginx.conf", "mime.types"]),
        ("monitoring", ["prometheus-rules.yml", "prometheus.yml", "grafana-dashboard.json"]),
    ],
)
def test_the_written_files_are_named(project, target, names) -> None:
    """A second run writes none, and says so."""
    first = tandem(project, "render", target, "--output", "deploy")
    second = tandem(project, "render", target, "--output", "deploy")

    wrote = [f"Wrote {project / 'deploy' / name}." for name in names]
    assert (first.returncode, first.stderr.splitlines()) == (0, wrote)
    kept = [line.removeprefix("Wrote ")[:-1] + " is up to date." for line in wrote]
    assert (second.returncode, second.stderr.splitlines()) == (0, kept)


def test_a_unit_lies_beside_other_files_and_names_the_run_directory(project) -> None:
    """The directory keeps its mode, as one that is kept under version control."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'TANDEM["USER"] = "root"\n')
    (project / "deploy").mkdir(mode=0o755)
    (project / "deploy" / "README.md").touch()
    done = [tandem(project, "render", "systemd", "--output", "deploy") for _ in range(2)]

    unit = project / "deploy" / "mysite.service"
    assert [each.stderr for each in done] == [f"Wrote {unit}.\n", f"{unit} is up to date.\n"]
    assert f"ReadWritePaths=-{project}" in unit.read_text()
    assert (project / "deploy").stat().st_mode & 0o777 == 0o755
    check = tandem(project, "render", "systemd", "--output", "deploy", "--check")
    assert (check.returncode, check.stdout) == (0, "")


def test_manifests_are_written_with_what_to_know_of_them(project) -> None:
    """Overlays are kept, one that differs is named, and so is what the settings leave out."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(
        settings.read_text()
        + 'TANDEM["EDGE"].pop("TLS")\n'
        + 'TANDEM |= {"HEALTH": ":8001", "METRICS": ":8002"}\n'
        + 'TANDEM["PEERS"] = {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}\n'
        + 'TANDEM["KUBERNETES"] = {"IMAGE": "registry.example.com/shop"}\n'
        + 'DATABASES["default"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}\n'
    )
    tandem(project, "render", "kubernetes", "--output", "deploy")
    (project / "deploy" / "overlays" / "staging" / "kustomization.yaml").write_text("mine")

    done = tandem(project, "render", "kubernetes", "--output", "deploy")

    base = [f"base/{name}.yaml" for name in ("kustomization", "edge", "wsgi", "asgi", "migrate")]
    overlays = [f"overlays/{name}/kustomization.yaml" for name in ("production", "staging")]
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        [
            *(f"{project / 'deploy' / name} is up to date." for name in base),
            f"Kept {project / 'deploy' / overlays[0]}.",
            f"Kept {project / 'deploy' / overlays[1]}, which differs from what the settings "
            "render now.",
            "To compare the kept files, render to an empty directory by `--output`.",
            'TANDEM["STOP_DELAY_S"] is 0: a pod that stops refuses requests before the cluster '
            "has removed its address. Set it to 5 or more, and STOP_S to 10 more than that.",
            'TANDEM["EDGE"]["TRUSTED_PROXIES"] is empty: behind a Gateway or an Ingress that ends '
            "TLS, every request is plain HTTP to Django, and its CSRF check rejects forms. Name "
            "the network of its pods.",
        ],
    )


def test_an_output_that_is_a_file_is_named_as_the_option(project) -> None:
    """Not as RUN_DIR, which has nothing to do with it."""
    (project / "deploy").touch()

    done = tandem(project, "render", "nginx", "--output", "deploy")

    assert (done.returncode, done.stderr) == (
        2,
        f"{project / 'deploy'} is a file.\n  Name another directory with `--output`.\n",
    )


def test_files_that_match_the_code_pass(project) -> None:
    """Nothing is printed."""
    _render(project)

    assert _check(project) == (0, "")


def test_a_changed_urlconf_is_shown_line_by_line(project) -> None:
    """In the file and the lines that differ, and nothing is written."""
    _render(project)
    committed = (project / "deploy" / "nginx.conf").read_text()
    urls = project / "mysite" / "urls.py"
    # Of another length: Python knows a compiled module by the size and the second of its source.
    urls.write_text(URLS.replace('path("feed/",', 'path("latest/",'))

    code, shown = _check(project)
    name, rule = (line for line in committed.splitlines() if "feed" in line and "#" not in line)

    latest = f'"{route_id("/latest/")} /latest/"'
    assert code == 1
    assert _changed(shown) == [
        "--- deploy/nginx.conf",
        "+++ nginx.conf rendered from the project",
        "-" + name,
        "+" + re.sub(r'"[0-9a-f]{12} /feed/"', latest, name).replace("/feed/", "/latest/"),
        "-        # /ws/ … /feed/",
        "-" + rule,
        "+        # /ws/ … /latest/",
        "+" + rule.replace("/feed/", "/latest/"),
    ]
    assert (project / "deploy" / "nginx.conf").read_text() == committed


def _changed(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if line.startswith(("-", "+"))]


def test_a_change_that_changes_no_rule_passes(project) -> None:
    """Without the monitor, another synchronous view changes nothing at the edge."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'TANDEM["MONITOR"] = False\ndel TANDEM["METRICS"]\n')
    _render(project)
    _add_synchronous_view(project)

    assert _check(project) == (0, "")


def test_the_edge_names_a_further_route_for_the_metrics(project) -> None:
    """No rule differs: it is the name of a request that no worker answers."""
    _render(project)
    _add_synchronous_view(project)

    code, shown = _check(project)
    *_, added = _changed(shown)

    assert (code, len(_changed(shown))) == (1, 3)
    assert added.startswith("+")
    assert added.endswith(f' "{route_id("/more/")} /more/";')


def _add_synchronous_view(project: Path) -> None:
    urls = project / "mysite" / "urls.py"
    urls.write_text(URLS.replace('path("about/"', 'path("more/", sync),\n    path("about/"'))


def test_a_changed_setting_is_shown(project) -> None:
    """Not only the URLconf counts."""
    _render(project)
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'TANDEM["EDGE"]["MAX_BODY"] = "7M"\n')

    code, shown = _check(project)

    assert code == 1
    changed = [line.split() for line in shown.splitlines() if "client_max_body_size" in line]
    assert [each[1:] for each in changed] == [
        ["client_max_body_size", "50M;"],
        ["client_max_body_size", "7M;"],
    ]


def test_a_file_that_was_never_written_differs(project) -> None:
    """Every line of it; the check makes no directory."""
    code, shown = _check(project)

    assert code == 1
    assert "--- deploy/nginx.conf" in shown
    assert "--- deploy/mime.types" in shown
    assert not (project / "deploy").exists()


def test_another_checkout_of_the_project_gives_the_same_bytes(project, tmp_path) -> None:
    """Its paths are relative, so the files of one checkout pass in another."""
    _render(project)
    other = tmp_path / "somewhere" / "else" / "entirely"
    shutil.copytree(project, other)

    assert _check(other) == (0, "")
    assert str(project) not in (project / "deploy" / "nginx.conf").read_text()


def test_nginx_accepts_the_committed_file(project, nginx_program) -> None:
    """From its own directory, with files in the project."""
    edge = project / "edge"
    edge.mkdir()
    (edge / "more.conf").write_text("add_header X-Included yes;\n")
    certificates.make(edge, "localhost")
    settings = project / "mysite" / "settings.py"
    program = f'TANDEM["EDGE"]["NGINX"] = "{nginx_program.program}"\n'
    settings.write_text(settings.read_text() + program)
    _render(project)

    assert check_nginx(nginx_program, project / "deploy") == ""


COMPOSE_SETTINGS = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "NAME": "shop"}}
TANDEM = {"PEERS": {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}}
"""


@pytest.fixture
def composed(project) -> Path:
    """A project with a server for its database, and with requirements."""
    (project / "requirements.txt").write_text("django-tandem[bundled]\n")
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(COMPOSE_SETTINGS)
    return project


def test_the_files_of_compose_lie_beside_the_code(composed) -> None:
    """And --check compares them there; PostgreSQL is called as DATABASES has it."""
    written = tandem(composed, "render", "compose")
    checked = tandem(composed, "render", "compose", "--check")

    names = ("Dockerfile", ".dockerignore", "compose.yaml", ".env.example")
    assert written.stderr.splitlines() == [f"Wrote {composed / name}." for name in names]
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert "  db:\n" in (composed / "compose.yaml").read_text()


def test_files_for_other_hosts_need_no_secret(composed) -> None:
    """Which these hosts have; nginx.conf has it inside."""
    with (composed / "mysite" / "settings.py").open("a") as file:
        file.write('TANDEM["USER"] = "root"\n')
    unit = tandem(composed, "render", "systemd", "--role", "wsgi", "--output", "units")
    nginx = tandem(composed, "render", "nginx", "--role", "edge", "--output", "edge")

    name = composed / "units" / "mysite-wsgi.service"
    assert (unit.returncode, unit.stderr) == (0, f"Wrote {name}.\n")
    assert nginx.returncode == 2
    assert "neither SECRET nor TLS" in nginx.stderr


def test_the_files_of_containers_are_of_all_roles(composed) -> None:
    """Those of one role would have no workers; a variable of this shell changes nothing."""
    whole = tandem(composed, "render", "compose", "--output", "whole")
    by_variable = tandem(composed, "render", "compose", "--output", "wsgi", TANDEM_ROLE="wsgi")
    by_option = tandem(composed, "render", "compose", "--role", "wsgi")

    assert (whole.returncode, by_variable.returncode) == (0, 0)
    texts = [(composed / place / "compose.yaml").read_text() for place in ("whole", "wsgi")]
    assert texts[0] == texts[1]
    assert (by_option.returncode, by_option.stderr) == (
        2,
        'The files of compose cover all roles, and `--role` is "wsgi".\n'
        "  Leave it out: each container has one role.\n",
    )


def test_a_file_that_was_written_by_hand_is_kept(composed) -> None:
    """It is named, and nothing is written."""
    (composed / "Dockerfile").write_text("FROM scratch\n")

    done = tandem(composed, "render", "compose")

    assert (done.returncode, done.stderr) == (
        2,
        f"{composed / 'Dockerfile'} was not rendered by tandem.\n"
        "  Move it, or name another directory with `--output`.\n",
    )
    assert not (composed / "compose.yaml").exists()
