"""Where protocol.md lets two careful people build different answers: both readings, each for one server at a time.

A server has one reading, and keeps it. The model follows both until an answer tells them apart.
"""

from __future__ import annotations

from enum import Enum


class Reading(Enum):
    """An ambiguity; `by_letter` and `other` are its readings. A world that has settled it holds True for by_letter."""

    EXPIRED_POLL_IS_VALID = (
        "The device grant: every valid poll by the owner becomes the previous poll.",
        "A poll answered with expired_token is a valid poll and becomes the previous one.",
        "It is not valid any more, and leaves the previous poll where it was (seen after the clock was moved back).",
    )
    LAPSED_DEVICE_IS_NOT_REDEEMED = (
        "The device grant: device, organization and administrator are checked again at redemption.",
        "What refuses approval refuses redemption: a device whose renewal date has come since denies the code.",
        "The check is of being enabled only; an approved code redeems into a license that has lapsed already.",
    )
    RETRY_BEFORE_TOKEN_EXPIRY = (
        "Refresh: the predecessor within the retry window gets the same successor; refresh_token_expired comes last.",
        "The window alone decides: a predecessor that has expired since its first use is still a retry.",
        "It is no reuse, and then it has expired: refresh_token_expired.",
    )
    LAPSED_CAN_END = (
        "Words: a license can end, the first ending is stored; a lapse is computed.",
        "A lapsed license that has not ended is ended by what would end it, and says that reason from then on.",
        "Only what is live ends: a lapsed license stays license_expired, and un-lapses if the clock goes back.",
    )
    EXPIRED_LICENSE_TOKEN_REVOKES = (
        "Endings: revoking any refresh token (an expired one too) or its license token ends a license.",
        "An expired license token ends it as well.",
        "An expired license token is as good as unknown: 200, and nothing ends.",
    )
    DEAD_CODE_IS_WRONG_ENTRY = (
        "The device grant: five wrong entries per administrator in 15 minutes.",
        "A code that is decided or expired is a wrong entry.",
        "Only a code that nobody holds is a wrong entry.",
    )
    GUESSES_SLIDE = (
        "The device grant: five wrong entries per administrator in 15 minutes, then 429.",
        "The 15 minutes slide: each wrong entry leaves the count when it is 15 minutes old.",
        "The 15 minutes begin with the first wrong entry, and all are forgotten together when they end.",
    )
    GUESSES_AHEAD_COUNT = (
        "The device grant: five wrong entries in 15 minutes; going back moves the clock only, data stays.",
        "A wrong entry that lies ahead of the clock moved back still counts.",
        "It is in no 15 minutes that end now, and does not count.",
    )
    TAKEN_OVER_STAYS = (
        "The device grant: going back moves the clock only, and what has acted does not act again.",
        "A key that has taken over, or left the set, has done so for good.",
        "Which key signs and which are published follows from the instants and the clock, as lapse does.",
    )
    AT_ONCE_DROPS_WAITING = (
        "Keys: a new key is published one token lifetime before it signs, at once on request.",
        "A key that signs at once drops one that waits for its turn.",
        "The waiting key still takes over in its turn.",
    )
    BEARER_CHECKS_NBF = (
        "Endpoints: /license, /servers and /introspect take a live license token; expired or ended: 401.",
        "A token whose nbf lies ahead is not live yet: 401.",
        "Only an expired or ended token is refused there; nbf is checked by peers and introspection.",
    )
    UNDATED_CAN_BE_DATED = (
        "Renewal takes effect on a live license (to any later instant, or none).",
        "A license without a renewal date is given one by a renewal.",
        "No instant is later than none: the date is the device's, for the next license only, or is refused.",
    )
    EARLIER_RENEWAL_IS_REFUSED = (
        "Renewal takes effect on a live license, to any later instant; what of an earlier one is not said.",
        "It is refused and changes nothing.",
        "It takes effect as it was entered, on device and live license.",
    )

    def __init__(self, law: str, by_letter: str, other: str) -> None:
        self.law = law
        self.by_letter = by_letter
        self.other = other
