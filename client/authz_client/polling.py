"""When the next poll is due: the accounting of RFC 8628 3.5, on the monotonic clock.

Owns the interval and the instants; it knows no request and no answer's wording.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from math import ceil
from typing import Final

from authz_client.effective_time import Now
from authz_client.state import Awaiting

SLOW_DOWN_SECONDS: Final = 5


class Answer(Enum):
    """What a poll that was not final means for the interval."""

    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    FAILED = "failed"


@dataclass(frozen=True)
class Polling:
    """The polling of one device_code by this process.

    Attributes:
        device_code: Whose polling this is. Secret.
        next_at: Monotonic instant of the next poll.
        deadline: Monotonic instant at which the device_code expires.
        has_polled: Whether Complete Authorization has had its answer: it polls at once, and only then gives up.
        trouble: Why the last poll brought no answer, in the protocol's word; None where it brought one.
    """

    device_code: str = field(repr=False)
    next_at: float
    deadline: float
    has_polled: bool = False
    trouble: str | None = None

    def is_over(self, now: Now) -> bool:
        """Say whether the device_code has expired, after at least one poll."""
        return self.has_polled and now.monotonic >= self.deadline

    def wait_seconds(self, now: Now) -> float:
        """Seconds until there is something to do: the next poll, or giving up."""
        next_at = min(self.next_at, self.deadline) if self.has_polled else self.next_at
        return max(0.0, next_at - now.monotonic)


def start(awaiting: Awaiting, *, now: Now) -> Polling:
    """Begin, or begin again after a restart.

    The first poll is made at once. RFC 8628 3.5: after an earlier one, by whichever process, the interval is kept.
    """
    rest = 0.0
    if awaiting.polled_at is not None:
        since = now.clock - awaiting.polled_at
        # A clock that was set back says nothing: better too late once than too early.
        rest = awaiting.interval_seconds - max(0.0, since)
    return Polling(
        device_code=awaiting.device_code,
        next_at=now.monotonic + max(0.0, rest),
        deadline=now.monotonic + (awaiting.expires_at - now.clock),
    )


def answered(
    polling: Polling, awaiting: Awaiting, *, answer: Answer, now: Now, retry_after_seconds: float
) -> tuple[Polling, Awaiting]:
    """Account for one poll that was not final.

    Returns:
        The polling, its next poll an interval (or `Retry-After`, if that is longer) after this reply, and the awaiting
        with its interval: the same if pending, 5 s longer for good after slow_down, doubled, to a second at least, after
        a timeout, a network error, 429 or 5xx.

    Spec: RFC 8628 3.5
    """
    interval = {
        Answer.PENDING: awaiting.interval_seconds,
        Answer.SLOW_DOWN: awaiting.interval_seconds + SLOW_DOWN_SECONDS,
        # Twice nothing would be no lower rate.
        Answer.FAILED: max(1, awaiting.interval_seconds * 2),
    }[answer]
    next_at = now.monotonic + max(interval, retry_after_seconds)
    return (
        replace(polling, next_at=next_at, has_polled=True),
        replace(awaiting, interval_seconds=interval, polled_at=ceil(now.clock)),
    )
