"""Breakages of what a command of root's gives up, and of whom it believes."""

from breakage.mutant import Mutant

REFUSED = "tests/system/root/test_users_refused.py"
STARTED = "tests/system/root/test_started_by_root.py"
OWNERSHIP = "tests/unit/runtime/test_ownership.py"

MUTANTS = (
    Mutant(
        name="project imported by root",
        file="cli/__init__.py",
        old="if os.geteuid() == 0:",
        new="if False:",
        tests=(f"{REFUSED}::test_the_settings_of_another_user_are_never_imported_by_root",),
    ),
    Mutant(
        name="settings read by root",
        file="cli/user.py",
        old="reader = accounts.find(flag, FLAG) if flag else owner",
        new='reader = accounts.find(flag, FLAG) if flag else accounts.find("root", FLAG)',
        tests=(f"{REFUSED}::test_the_settings_of_another_user_are_never_imported_by_root",),
    ),
    Mutant(
        name="another user's package imported by root",
        file="cli/user.py",
        old="return find_writable(code_of(project, module))",
        new="return None",
        tests=(
            f"{REFUSED}::test_code_of_another_user_in_a_project_of_roots_is_never_imported_by_root",
        ),
    ),
    Mutant(
        name="terminal of root kept by the settings",
        file="runtime/privileges.py",
        old="        os.setsid()\n",
        new="",
        tests=("tests/unit/runtime/test_privileges.py::test_the_child_has_no_terminal",),
    ),
    Mutant(
        name="groups of root kept",
        file="runtime/privileges.py",
        old="os.setgroups(account.groups)",
        new="pass",
        tests=(f"{STARTED}::test_a_view_has_the_users_environment_and_groups",),
    ),
    Mutant(
        name="owner of the project may choose root",
        file="cli/user.py",
        old="if owner.is_root or is_own:",
        new="if True:",
        tests=(f"{REFUSED}::test_an_owner_who_would_choose_another_user",),
    ),
    Mutant(
        name="run directory that another user chose",
        file="cli/user.py",
        old='read.get("run_dir", DEFAULT_RUN_DIR) if writable is None else DEFAULT_RUN_DIR',
        new='read.get("run_dir", DEFAULT_RUN_DIR)',
        tests=(
            f"{REFUSED}::test_a_run_directory_of_roots_does_not_bring_another_users_settings_root",
        ),
    ),
    Mutant(
        name="stack of root's that makes code root's",
        file="cli/user.py",
        old="given is not None and running == 0 and not owner.is_root",
        new="False",
        tests=(
            f"{REFUSED}::test_a_run_directory_of_roots_does_not_bring_another_users_settings_root",
        ),
    ),
    Mutant(
        name="servers may listen on ports below 1024",
        file="runtime/supervisor/children.py",
        old="in ON_SOCKETS:",
        new="in ():",
        tests=(f"{STARTED}::test_only_ports_below_1024_are_left_of_root",),
    ),
    Mutant(
        name="public directory given away",
        file="runtime/ownership.py",
        old="if found.st_uid != 0 or stat.S_IMODE(found.st_mode) != PRIVATE:",
        new="if found.st_uid != 0:",
        tests=(f"{OWNERSHIP}::test_a_directory_of_other_files_or_of_another_user_is_left_alone",),
    ),
    Mutant(
        name="stack in a public directory believed",
        file="runtime/ownership.py",
        old="return found.st_uid if found.st_mode == stat.S_IFDIR | PRIVATE else None",
        new="return found.st_uid if stat.S_ISDIR(found.st_mode) else None",
        tests=(f"{OWNERSHIP}::test_the_owner_of_a_stack_is_known_while_it_runs",),
    ),
)
