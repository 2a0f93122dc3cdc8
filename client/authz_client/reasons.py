"""What the protocol's words for why are called when people read them.

Owns the phrases. It decides nothing.
"""

from typing import Final

#: The protocol's words, in ours: each completes "..., because" or stands alone after a colon.
REASONS: Final = {
    "access_denied": "the authorization was denied, or a later one took its place",
    "expired_token": "the user code expired before the device was authorized",
    "invalid_client": "the Authorization server does not know this client ID",
    "unauthorized_client": "this client ID may not do that",
    "invalid_grant": "the Authorization server no longer knows what was presented",
    "invalid_scope": "the Authorization server does not offer the license scope",
    "license_revoked": "the license was revoked at the Authorization server",
    "license_superseded": "the device was licensed anew, and only the newest license counts",
    "license_expired": "the license renewal date has passed",
    "device_disabled": "the device was disabled or deleted at the Authorization server",
    "refresh_token_reused": "an old refresh token was presented: was the state file copied or restored?",
    "refresh_token_unknown": "the Authorization server does not know this license",
    "refresh_token_expired": "the Authorization server was not reached for too long",
    "network": "the Authorization server cannot be reached",
    "untrusted": "no authority that is trusted here vouches for the Authorization server's certificate",
    "timeout": "the Authorization server did not answer in time",
    "too_large": "the answer was far too large to be the Authorization server's",
    "malformed_response": "the answer was not the Authorization server's: a proxy's or a login page's, perhaps",
    "issuer_mismatch": "the server there calls itself by another issuer's name",
    "insecure_url": "the server names endpoints without https",
    "malformed": "it is no license token",
    "wrong_type": "it is not marked as a license token",
    "algorithm_not_allowed": "it is signed in a way that is not accepted",
    "unknown_key": "its signing key is not among the published keys",
    "bad_signature": "its signature does not fit",
    "malformed_claims": "its content is incomplete",
    "wrong_issuer": "it is another issuer's",
    "wrong_audience": "it is another organization's",
    "expired": "it has expired, by the clock here",
    "not_yet_valid": "it is not valid yet, by the clock here",
    "unverified": "it has not been verified yet",
}


def in_words(reason: str) -> str:
    """Say a reason for people; one that is not known is repeated as it is."""
    if reason.startswith("http_"):
        return f"the Authorization server answered with HTTP status {reason.removeprefix('http_')}"
    return REASONS.get(reason, reason)
