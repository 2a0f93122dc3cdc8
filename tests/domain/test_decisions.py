from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from mock_authz.domain.decisions import Decisions


def test_the_plain_server_decides_with_the_domain_s_own_functions() -> None:
    plain = Decisions()
    for field in fields(Decisions):
        assert getattr(plain, field.name).__module__.startswith("mock_authz.domain.")


def test_decisions_are_replaced_and_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Decisions().poll = lambda grant, **_: (grant, None)  # type: ignore[misc,assignment]
