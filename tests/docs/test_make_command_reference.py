"""The command reference agrees with the commands, and its examples can be run as they stand."""

import shlex

import pytest

from scripts import make_command_reference as reference


def test_the_committed_page_is_what_the_script_writes():
    committed = reference.FILE.read_text(encoding="utf-8")
    assert reference.reference() == committed, "run scripts/make_command_reference.py"


def test_each_command_has_a_section_and_a_row():
    page = reference.reference()
    for name in reference.commands():
        assert f"\n## {name}\n" in page
        assert f"| [`{name}`](#{name.replace(' ', '-')}) |" in page


@pytest.mark.parametrize("name", reference.EXAMPLES)
def test_examples_have_options_that_the_command_has(name):
    command = reference.commands()[name]
    for line in reference.EXAMPLES[name].splitlines():
        words = shlex.split(line, comments=True)
        begin = ["musicae", *name.split()]
        assert words[: len(begin)] == begin
        command.make_context(name, words[len(begin) :])  # raises if an option does not exist
