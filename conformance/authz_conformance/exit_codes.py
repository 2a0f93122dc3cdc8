"""What the exit code of `authz-conformance` says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """One number for each way to end; the help of the command repeats them."""

    OK = 0
    USAGE = 2
    SUITE_ERROR = 4


EXIT_CODES_HELP = """\b
Exit codes:
  0  done
  2  the command line is wrong, or names a rule that does not exist
  4  the kit itself is broken (its catalogue does not hold together)
"""
