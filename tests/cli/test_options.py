"""Options that commands share."""

import inspect
from dataclasses import fields

import typer
from typer.testing import CliRunner

from musicae.api.options import HarmonizeOptions
from musicae.cli import harmonize, watch
from musicae.cli.options import HARMONIZE_SETTINGS, takes_harmonize_settings


def test_every_setting_of_harmonize_is_an_option():
    assert HARMONIZE_SETTINGS.keys() == {field.name for field in fields(HarmonizeOptions)}
    assert HARMONIZE_SETTINGS.keys() < inspect.signature(harmonize.harmonize).parameters.keys()
    watched = inspect.signature(watch.watch).parameters.keys()
    assert HARMONIZE_SETTINGS.keys() - watched == {"bars", "phrases"}


def test_settings_have_the_defaults_of_the_value_and_reach_the_command():
    seen = {}

    @takes_harmonize_settings("bars")
    def command(name: str, *, loud: bool = False, **settings):
        seen.update(settings, name=name, loud=loud)

    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["tune", "--loud", "-n", "2", "--top-p", "0.5"])
    assert done.exit_code == 0, done.output
    assert (seen.pop("name"), seen.pop("loud")) == ("tune", True)
    assert "bars" not in seen
    assert HarmonizeOptions(**seen) == HarmonizeOptions(n=2, top_p=0.5)
