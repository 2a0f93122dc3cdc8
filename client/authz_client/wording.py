"""What outcomes and warnings are called when people read them, in the terminal and on the page.

Owns the sentences. It decides nothing, and never sees a secret.
"""

from typing import Final

from authz_client.outcome import Kind, Outcome
from authz_client.reasons import in_words
from authz_client.status import Warn

SENTENCES: Final = {
    Kind.USER_CODE_SHOWN: "The user code is ready",
    Kind.AUTHORIZATION_PENDING: "The device has not been authorized yet",
    Kind.LICENSED: "This server is licensed",
    Kind.LICENSE_TOKEN_PENDING: "A license token came, but cannot be verified yet",
    Kind.REFRESHED: "There is a fresh license token",
    Kind.ENDED: "The license has ended",
    Kind.REMOVED: "The license is removed",
    Kind.REVOCATION_PENDING: "The license is removed here; the Authorization server will be told when it is reached",
    Kind.REFUSED: "The Authorization server refused",
    Kind.FAILED: "That did not work, and nothing has changed",
    Kind.TOO_SOON: "A license token was asked for less than a minute ago",
    Kind.IN_FLIGHT: "Another process is asking for a license token at this moment",
    Kind.ABANDONED: "The license or user code was removed or replaced meanwhile",
    Kind.ALREADY_LICENSED: "This server is licensed already",
    Kind.REMOVE_FIRST: "The license has ended; remove it before you acquire another",
    Kind.NOT_AWAITING: "There is no user code to complete",
    Kind.NOT_LICENSED: "This server is not licensed",
}

TITLES: Final = {
    Warn.TOKEN_EXPIRING: "Token Expiry is near",
    Warn.TOKEN_EXPIRED: "Token Expiry has passed",
    Warn.RENEW: "Renewal needed",
    Warn.OFFLINE: "Offline",
    Warn.REFRESH_FAILING: "Refreshing fails",
    Warn.TOKEN_PENDING: "License token pending",
    Warn.SUSPECT_CLOCK: "Check the clock",
    Warn.USER_CODE_EXPIRED: "User code expired",
    Warn.REVOCATION_PENDING: "Removal not reported yet",
    Warn.STATE_TROUBLE: "State file",
}

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def sentence(outcome: Outcome) -> str:
    """Say an outcome in one line: what happened, why, the server's own words, and when to try again."""
    text = SENTENCES[outcome.kind]
    if outcome.reason is not None:
        text += f": {in_words(outcome.reason)}"
    if outcome.description:
        text += f' (it says: "{outcome.description}")'
    text += "."
    if outcome.retry_in_seconds is not None:
        text += f" Again in {duration(outcome.retry_in_seconds)}."
    return text


def duration(seconds: float) -> str:
    """Say how long, in the one or two largest units."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min" + (f" {whole % _MINUTE} s" if whole % _MINUTE else "")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR} h" + (
            f" {whole % _HOUR // _MINUTE} min" if whole % _HOUR // _MINUTE else ""
        )
    return f"{round(whole / _DAY)} days"


def countdown(seconds: float) -> str:
    """Say how long is left, as a clock would: 14:59."""
    whole = max(0, int(seconds))
    return f"{whole // _MINUTE}:{whole % _MINUTE:02}"
