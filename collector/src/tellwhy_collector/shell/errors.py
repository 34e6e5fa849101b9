"""What ends a question of `tellwhy sql`, with the exit code.

```
ShellError
  Refused      1  the collector refuses the query
  Usage        2  the command line or a command is wrong
  Unreachable  3  no collector answers
  Quit         0  the user leaves
```
"""

from __future__ import annotations

from typing import ClassVar


class ShellError(Exception):
    """What ends a question; the message is for the user."""

    code: ClassVar[int] = 1
    """Exit code of `tellwhy sql`."""


class Refused(ShellError):
    """The collector answered with an error; the message is its own."""


class Usage(ShellError):
    """The command line or a command of ours was not understood; the message says how it goes."""

    code = 2


class Unreachable(ShellError):
    """No collector answers at this address."""

    code = 3


class Quit(ShellError):
    """The user wants to leave."""

    code = 0
