"""Breakages of ENV_FILE: of its variables' life, and of what may be shown."""

from breakage.mutant import Mutant

FORMAT = "tests/unit/settings/test_env_file.py"
STACK = "tests/system/stack/test_env_file.py"

MUTANTS = (
    Mutant(
        name="a restart that reads the file again",
        file="runtime/supervisor/environments.py",
        old="if generation not in self._by_generation:",
        new="if True:",
        tests=(f"{STACK}::test_a_program_that_restarts_keeps_the_variables_of_its_generation",),
    ),
    Mutant(
        name="variables of an older generation kept",
        file="runtime/supervisor/environments.py",
        old="generation = generation_of(config.name)",
        new="generation = 1",
        tests=(f"{STACK}::test_a_reload_reads_the_file_anew",),
    ),
    Mutant(
        name="the line of a mistake shown",
        file="settings/env_file.py",
        old='line {line} is neither NAME=VALUE nor a comment."',
        new='line {line} is {text[position:]!r}."',
        tests=(f"{FORMAT}::test_an_error_names_the_file_the_line_and_no_value",),
    ),
)
