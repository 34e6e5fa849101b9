"""One command line flag for each setting, with its unit and sentence."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from typing import Any

from tellwhy_collector.settings import Settings, flag, variable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give *parser* one flag for each setting; what is not given stays None."""
    for item in fields(Settings):
        if item.metadata.get("secret"):
            parser.add_argument(flag(item.name), action=_Visible, nargs="?", help=argparse.SUPPRESS)
            continue
        unit = f" [{item.metadata['unit']}]" if item.metadata["unit"] else ""
        text = f"{item.metadata['sentence']}{unit} ({variable(item.name)}; default {item.default})"
        if isinstance(item.default, bool):
            options: dict[str, Any] = {"action": "store_const", "const": "true"}
        elif item.name == "adopt":
            options = {"metavar": "DIR", "action": _Joined}
        else:
            options = {"metavar": type(item.default).__name__.upper().replace("POSIX", "")}
        parser.add_argument(flag(item.name), dest=item.name, help=text, default=None, **options)


class _Joined(argparse.Action):
    """Takes a flag that is given again to mean both."""

    def __call__(self, _: object, said: argparse.Namespace, value: Any, __: object = None) -> None:
        before = getattr(said, self.dest)
        setattr(said, self.dest, f"{before}{os.pathsep}{value}" if before else value)


class _Visible(argparse.Action):
    """Ends with a sentence when a secret stands on the command line, and does not repeat it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error(
            f"{self.option_strings[0]} would show the token to everybody on this machine (ps). Set "
            f"{variable(self.dest)}, or name a file with {self.option_strings[0]}-file."
        )
