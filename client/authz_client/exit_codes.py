"""The exit codes of `authz-client`: one enum, and which outcome is which.

Owns their numbers and their meanings; it prints nothing.
"""

from enum import IntEnum
from typing import Final

from authz_client.outcome import Kind, Outcome


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_LICENSED = 3
    UNREACHABLE = 4
    STATE_FILE = 5
    NOT_YET = 6
    CANNOT_WRITE = 74
    INTERRUPTED = 130


MEANINGS: Final = {
    ExitCode.OK: "done",
    ExitCode.REFUSED: "refused, or the license has ended: asking again will not help",
    ExitCode.USAGE: "wrong option or argument",
    ExitCode.NOT_LICENSED: "there is no license, or nothing to complete",
    ExitCode.UNREACHABLE: "the server cannot be reached, or does not answer as it should",
    ExitCode.STATE_FILE: "the state file is damaged, another's, or not writable",
    ExitCode.NOT_YET: "not yet: not authorized so far, asked too soon, or a token pending",
    ExitCode.CANNOT_WRITE: "what it prints cannot be written, as on a full disk",
    ExitCode.INTERRUPTED: "stopped with Ctrl-C, or by answering no",
}

_OF_KIND: Final = {
    Kind.USER_CODE_SHOWN: ExitCode.OK,
    Kind.AUTHORIZATION_PENDING: ExitCode.NOT_YET,
    Kind.LICENSED: ExitCode.OK,
    Kind.LICENSE_TOKEN_PENDING: ExitCode.NOT_YET,
    Kind.REFRESHED: ExitCode.OK,
    Kind.ENDED: ExitCode.REFUSED,
    Kind.REMOVED: ExitCode.OK,
    Kind.REVOCATION_PENDING: ExitCode.OK,
    Kind.REFUSED: ExitCode.REFUSED,
    Kind.FAILED: ExitCode.UNREACHABLE,
    Kind.TOO_SOON: ExitCode.NOT_YET,
    Kind.IN_FLIGHT: ExitCode.NOT_YET,
    Kind.ABANDONED: ExitCode.REFUSED,
    Kind.ALREADY_LICENSED: ExitCode.OK,
    Kind.REMOVE_FIRST: ExitCode.REFUSED,
    Kind.NOT_AWAITING: ExitCode.NOT_LICENSED,
    Kind.NOT_LICENSED: ExitCode.NOT_LICENSED,
}


def of_outcome(outcome: Outcome) -> ExitCode:
    """Give the exit code of an outcome. A license that is there already is what `acquire` was to bring: done."""
    return _OF_KIND[outcome.kind]


def table() -> str:
    """List the codes and their meanings, a line each."""
    return "\n".join(f"{code.value:>4}  {meaning}" for code, meaning in MEANINGS.items())
