from __future__ import annotations

from typing import Any

import pytest

from mock_authz.domain.license_token import Subject, audience, claims, license_member
from mock_authz.domain.organization import Device, Edition
from tests.factories import DAY, HARBOR, HEAD_OFFICE, ISSUER, NOW, a_device, a_license

HUB = a_device(HEAD_OFFICE, name="Head Office", edition=Edition.CORPORATE, url="https://pos.harbor.example")


def subject(device: Device | None = None, hub: Device | None = None) -> Subject:
    return Subject(device=device or a_device(), organization=HARBOR, hub=hub)


def member(**of: Any) -> dict[str, Any]:
    return license_member(a_license(), subject(**of))


def test_the_claims_are_those_of_rfc_9068_and_the_license() -> None:
    minted = claims(a_license(), subject(), issuer=ISSUER, jti="license-1.7", now=NOW)
    assert minted == {
        "iss": ISSUER,
        "sub": "store-12",
        "aud": "urn:kensium:organization:harbor",
        "client_id": "pos-server",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 7 * DAY,
        "jti": "license-1.7",
        "scope": "license",
        "license": {
            "organization": {"id": "harbor", "name": "Harbor Outfitters"},
            "server_name": "Store 12",
            "edition": "store",
            "features": ["xms"],
        },
    }


def test_the_audience_is_the_organization_s() -> None:
    assert audience("summit") == "urn:kensium:organization:summit"


def test_features_are_sorted_and_may_be_empty() -> None:
    assert member(device=a_device(features=("xms", "loyalty")))["features"] == ["loyalty", "xms"]
    assert member(device=a_device(features=()))["features"] == []


def test_the_hub_is_named_with_its_server_id_name_and_url() -> None:
    assert member(hub=HUB)["hub"] == {
        "server_id": HEAD_OFFICE,
        "name": "Head Office",
        "url": "https://pos.harbor.example",
    }


@pytest.mark.parametrize("hub", [None, a_device(HEAD_OFFICE, enabled=False)])
def test_without_an_enabled_hub_there_is_no_hub_member(hub: Device | None) -> None:
    assert "hub" not in member(hub=hub)


def test_the_two_renewal_members_are_both_there_or_both_absent() -> None:
    assert not {"renewal_at", "renewal_due_from"} & set(member())
    dated = license_member(a_license(renewal_at=NOW + 40 * DAY), subject())
    assert (dated["renewal_at"], dated["renewal_due_from"]) == (NOW + 40 * DAY, NOW + 10 * DAY)
