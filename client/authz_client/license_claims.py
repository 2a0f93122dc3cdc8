"""What a license token says, as a typed value; it knows the claims' shapes and nothing of signatures or time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: The last second of the year 9999: later instants have no calendar date that a page could show.
LATEST: Final = 253_402_300_799


@dataclass(frozen=True)
class Organization:
    """The organization that a license belongs to."""

    id: str
    name: str

    @property
    def audience(self) -> str:
        """The `aud` of this organization's license tokens."""
        return f"urn:kensium:organization:{self.id}"


@dataclass(frozen=True)
class Hub:
    """The server that a device connects to, as entered at the Authorization server when the token was minted."""

    server_id: str
    name: str
    url: str


@dataclass(frozen=True)
class LicenseToken:
    """The claims of a license token; wire names stay verbatim, instants are Unix seconds."""

    iss: str
    sub: str
    aud: tuple[str, ...]
    client_id: str
    iat: int
    nbf: int
    exp: int
    jti: str
    scope: str
    organization: Organization
    server_name: str
    edition: str
    features: tuple[str, ...]
    hub: Hub | None = None
    renewal_at: int | None = None
    renewal_due_from: int | None = None

    @property
    def server_id(self) -> str:
        """The device's stable identity."""
        return self.sub

    @property
    def ends_at_renewal(self) -> bool:
        """Whether only a renewal, not a connection, can bring a later token expiry."""
        return self.exp == self.renewal_at


def read_claims(claims: Mapping[str, Any]) -> LicenseToken | None:
    """Read a license token's claims; unknown members are ignored, here and inside `license`.

    Returns:
        The claims, or None if a required one is missing or of the wrong shape.

    Spec: RFC 9068 2.2
    """
    detail = claims.get("license")
    if not isinstance(detail, dict):
        return None
    try:
        return LicenseToken(
            iss=_text(claims["iss"]),
            sub=_text(claims["sub"]),
            aud=_audience(claims["aud"]),
            client_id=_text(claims["client_id"]),
            iat=_instant(claims["iat"]),
            nbf=_instant(claims["nbf"]),
            exp=_instant(claims["exp"]),
            jti=_text(claims["jti"]),
            scope=_text(claims["scope"]),
            organization=_organization(detail["organization"]),
            server_name=_text(detail["server_name"]),
            edition=_text(detail["edition"]),
            features=_texts(detail["features"]),
            hub=_hub(detail.get("hub")),
            **_renewal(detail),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _renewal(detail: Mapping[str, Any]) -> dict[str, int]:
    names = [name for name in ("renewal_at", "renewal_due_from") if detail.get(name) is not None]
    if len(names) == 1:
        raise ValueError("renewal_at and renewal_due_from come together")
    return {name: _instant(detail[name]) for name in names}


def _organization(value: Any) -> Organization:
    return Organization(id=_text(value["id"]), name=_text(value["name"]))


def _hub(value: Any) -> Hub | None:
    if value is None:
        return None
    return Hub(server_id=_text(value["server_id"]), name=_text(value["name"]), url=_text(value["url"]))


def _audience(value: Any) -> tuple[str, ...]:
    # RFC 7519 4.1.3: one string, or an array of them.
    return (value,) if isinstance(value, str) else _texts(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not an array")
    return tuple(_text(member) for member in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    value.encode()  # a lone surrogate cannot be shown or stored: ValueError
    return value


def _instant(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a whole number")
    if not 0 <= value <= LATEST:
        raise ValueError("not an instant")
    return value
