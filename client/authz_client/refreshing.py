"""When a license is refreshed, and when again after a failure.

Owns the schedule: half of the token's life, the hour while only a renewal helps, the backoff, once a minute on demand.
It knows no request. Tokens live in effective time, backoff on the monotonic clock.
"""

from dataclasses import dataclass
from typing import Final

from authz_client.effective_time import Now
from authz_client.license_claims import LicenseToken
from authz_client.state import HeldToken, License

JITTER_SHARE: Final = 0.05
RENEWAL_SPACING_SECONDS: Final = 3600
ON_DEMAND_SPACING_SECONDS: Final = 60
LONGEST_ATTEMPT_SECONDS: Final = 60
FIRST_RETRY_SECONDS: Final = (1.0, 4.0)
BACKOFF_SECONDS: Final = 60.0
MAX_BACKOFF_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Retry:
    """The failures in a row of this process, and the monotonic instant before which it does not try by itself again."""

    failures: int = 0
    next_at: float | None = None
    not_before: float | None = None

    def wait_seconds(self, now: Now) -> float:
        """Seconds until the next automatic attempt; 0 if nothing has failed."""
        return 0.0 if self.next_at is None else max(0.0, self.next_at - now.monotonic)


NO_FAILURE: Final = Retry()


@dataclass(frozen=True)
class Attempt:
    """When the last refresh began, on both clocks."""

    monotonic: float
    at: int


def hold(
    license_token: str,
    claims: LicenseToken,
    *,
    received_at: int,
    now: int,
    is_refresh: bool,
    jitter: float,
) -> HeldToken:
    """Take a verified license token into use and fix when it is to be refreshed.

    Args:
        license_token: The compact JWS.
        claims: What it says.
        received_at: Effective time of the token response that brought it.
        now: Effective time.
        is_refresh: Whether a refresh brought it; an acquisition is none.
        jitter: Within [0, 1): spreads the shops over a twentieth of the token's life.
    """
    lifetime = claims.exp - claims.iat
    half = claims.iat + lifetime // 2 + int(lifetime * JITTER_SHARE * jitter)
    refresh_at = half
    if claims.ends_at_renewal and is_refresh:
        # The life that is left halves each time: without a least distance there would be ever more refreshes.
        refresh_at = max(half, received_at + RENEWAL_SPACING_SECONDS)
    elif half <= now:
        # Half gone on arrival: our clock is ahead, and asking again at once would not help.
        refresh_at = received_at + min(RENEWAL_SPACING_SECONDS, max(1, lifetime // 2))
    return HeldToken(
        license_token=license_token, claims=claims, received_at=received_at, refresh_at=refresh_at
    )


def due_seconds(held: License, retry: Retry, *, effective: int, now: Now) -> float:
    """Say in how many seconds this license is refreshed by itself; 0 is now.

    After a lapse that is known here it goes on: the server may have been told of a renewal in time.
    """
    if retry.next_at is not None:
        return retry.wait_seconds(now)
    if held.pending is not None or held.current is None:
        return 0.0
    current = held.current
    refresh_at = current.refresh_at
    if effective < current.received_at:
        # The clock has been put back since: what was fixed by it then must not outlive the token.
        refresh_at = min(refresh_at, current.claims.iat + (current.claims.exp - current.claims.iat) // 2)
    return float(max(0, refresh_at - effective))


def on_demand_seconds(
    held: License, retry: Retry, attempt: Attempt | None, *, effective: int, now: Now
) -> float:
    """Say in how many seconds a person's wish to refresh may be fulfilled: at most once a minute, and after `Retry-After`.

    A jump of either clock counts as time gone by.
    """
    asked = 0.0 if retry.not_before is None else retry.not_before - now.monotonic
    gone = []
    if attempt is not None:
        gone.append(max(now.monotonic - attempt.monotonic, float(effective - attempt.at)))
    # Another process's, or one before a restart: it is later than ours by more than a request can take.
    theirs = held.refreshed_at is not None and (
        attempt is None or held.refreshed_at > attempt.at + LONGEST_ATTEMPT_SECONDS
    )
    if held.refreshed_at is not None and theirs and effective >= held.refreshed_at:
        gone.append(float(effective - held.refreshed_at))
    rest = [ON_DEMAND_SPACING_SECONDS - seconds for seconds in gone]
    return max(0.0, asked, *rest)


def failed(retry: Retry, *, now: Now, jitter: float, retry_after_seconds: float) -> Retry:
    """Account for one failure: once more within 5 s (a lost reply), then from 1 minute, doubling, up to 1 hour."""
    failures = retry.failures + 1
    if failures == 1:
        shortest, longest = FIRST_RETRY_SECONDS
        delay = shortest + (longest - shortest) * jitter
    else:
        delay = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2.0 ** min(failures - 2, 10))
    not_before = now.monotonic + retry_after_seconds if retry_after_seconds > 0 else None
    return Retry(
        failures=failures, next_at=now.monotonic + max(delay, retry_after_seconds), not_before=not_before
    )
