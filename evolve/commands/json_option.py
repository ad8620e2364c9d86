"""`--json`: what a command would show to a person, as one JSON text on the last line of standard output."""

import json
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="No text, only the last line.")


def say_json(data: Any) -> None:
    """Write it as one line."""
    click.echo(json.dumps(data, allow_nan=False))
