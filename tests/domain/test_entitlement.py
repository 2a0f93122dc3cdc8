"""Who may authorize which device, when."""

from __future__ import annotations

import pytest

from mock_authz.domain.entitlement import may_authorize
from mock_authz.domain.organization import Administrator
from mock_authz.domain.refusals import Conflict
from tests.factories import DANA, NOW, SAM, a_device, expect

STRANGER = Administrator(username="sly", name="Sly", organizations=("summit",))


@pytest.mark.parametrize("administrator", [DANA, SAM])
def test_who_manages_the_organization_may_authorize_its_device(administrator: Administrator) -> None:
    assert may_authorize(administrator, a_device(), now=NOW) is None


def test_a_device_that_is_not_there_cannot_be_authorized() -> None:
    assert expect(Conflict, may_authorize(DANA, None, now=NOW)).reason == "device_unknown"


@pytest.mark.parametrize("administrator", [STRANGER, None])
def test_nobody_else_may_whatever_else_is_wrong_with_the_device(administrator: Administrator | None) -> None:
    device = a_device(enabled=False, renewal_at=NOW)
    assert (
        expect(Conflict, may_authorize(administrator, device, now=NOW)).reason == "administrator_not_entitled"
    )


def test_a_disabled_device_cannot_be_authorized() -> None:
    device = a_device(enabled=False, renewal_at=NOW)
    assert expect(Conflict, may_authorize(DANA, device, now=NOW)).reason == "device_disabled"


def test_a_device_can_be_authorized_until_its_renewal_date() -> None:
    device = a_device(renewal_at=NOW)
    assert may_authorize(DANA, device, now=NOW - 1) is None
    for late in (NOW, NOW + 1):
        assert expect(Conflict, may_authorize(DANA, device, now=late)).reason == "renewal_date_passed"
