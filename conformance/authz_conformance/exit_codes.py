"""What the exit code of `authz-conformance` says."""

from __future__ import annotations

from enum import IntFlag


class ExitCode(IntFlag):
    """One bit for each thing that can be wrong with a run, so that they add up; the help of the command repeats them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    SUITE_ERROR = 4
    ADAPTER_ERROR = 8
    CANNOT_WRITE = 74
    INTERRUPTED = 130


EXIT_CODES_HELP = """\b
Exit codes; 1, 4 and 8 add up:
    0  done; for a run: no rule failed, and at least one rule or story passed
    1  a rule failed, nothing could be tried, the server does not answer,
       or the baseline lists what is no failure
    2  the command line or a file that it names is wrong
    4  the kit itself is broken (its catalogue, or one of its tests)
    8  an adapter did not do its part, or the declaration claims too much
   74  what it prints cannot be written, as on a full disk
  130  broken off with Ctrl-C
"""
