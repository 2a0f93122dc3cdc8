"""What must come out of a race, whoever wins it. A test module subclasses `RaceContract`, as with `StoreContract`.

Each race starts from one state that both runners have loaded, and is run in either order of their commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.events import EventType
from mock_authz.domain.license import License
from mock_authz.domain.organization import Administrator, Device, Edition, Organization
from mock_authz.domain.refusals import InvalidGrant, NotFound, TooManyGuesses
from mock_authz.domain.signing_key import KeySet
from mock_authz.store.port import Store
from mock_authz.store.records import ONLY
from mock_authz.usecases import administer, approvals, control, keep, keys
from mock_authz.usecases.administer import NewDevice
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import DAY, HEAD_OFFICE, NOW, QA, STORE_12, World, a_device, a_world
from tests.store.racing import CarelessStore, race


@dataclass(frozen=True)
class Outcome:
    """What a race of two equal requests came to."""

    answers: list[object]
    issued: int
    rotated: int
    retried: int


def _outcome(world: World, answers: list[object]) -> Outcome:
    refreshed = [event.subject["retried"] for event in world.events(EventType.LICENSE_REFRESHED)]
    return Outcome(
        answers,
        issued=len(world.events(EventType.LICENSE_ISSUED)),
        rotated=refreshed.count(False),
        retried=refreshed.count(True),
    )


def race_redemptions(world: World, *, polls: int) -> Outcome:
    """Let polls race for one approved device_code."""
    authorization = world.authorize()
    world.approve(authorization)
    return _outcome(world, race(world, *[lambda racing: racing.poll(authorization)] * polls))


def race_refreshes(world: World) -> Outcome:
    """Let two refreshes race with one refresh token."""
    tokens = world.acquire()

    def refresh(racing: World) -> object:
        return keep.refresh(
            racing.at(NOW + DAY), client_id="pos-server", refresh_token=tokens.refresh_token, scope=None
        )

    return _outcome(world, race(world, refresh, refresh))


def granted(outcome: Outcome) -> list[IssuedTokens]:
    return [answer for answer in outcome.answers if isinstance(answer, IssuedTokens)]


class RaceContract:
    """Races through `Context.transact` over one store."""

    def empty(self) -> Store:
        """Make a store that holds nothing."""
        raise NotImplementedError

    @pytest.fixture
    def world(self) -> World:
        return a_world(store=self.empty())

    @pytest.fixture(params=[0, 1], ids=["in order", "in reverse"])
    def first(self, request: pytest.FixtureRequest) -> int:
        """Say which of the two commits first."""
        return int(request.param)

    @pytest.mark.parametrize("polls", [2, 5])
    def test_a_device_code_is_redeemed_once_however_many_polls_race(self, world: World, polls: int) -> None:
        outcome = race_redemptions(world, polls=polls)
        assert len(granted(outcome)) == 1
        assert sum(isinstance(answer, InvalidGrant) for answer in outcome.answers) == polls - 1
        assert outcome.issued == 1
        assert len(world.store.find(QA, License, "live", STORE_12)) == 1

    def test_two_refreshes_at_once_are_a_rotation_and_a_retry_with_the_same_successor(
        self, world: World
    ) -> None:
        outcome = race_refreshes(world)
        one, other = granted(outcome)
        assert one.refresh_token == other.refresh_token
        assert one.access_token != other.access_token
        assert (outcome.rotated, outcome.retried) == (1, 1)
        assert world.license_of().refresh_tokens.generation == 1
        assert world.license_of().tokens_minted == 3

    def test_a_store_that_ignores_versions_redeems_twice_so_this_race_has_teeth(self) -> None:
        outcome = race_redemptions(a_world(store=CarelessStore(self.empty())), polls=2)
        assert len(granted(outcome)) == 2
        assert outcome.issued == 2

    def test_a_store_that_ignores_versions_rotates_twice_so_this_race_has_teeth(self) -> None:
        outcome = race_refreshes(a_world(store=CarelessStore(self.empty())))
        assert (outcome.rotated, outcome.retried) == (2, 0)

    # --- the device grant ---

    def test_of_two_approvals_of_one_device_at_once_one_is_redeemable(self, world: World, first: int) -> None:
        codes = [world.authorize(), world.authorize()]
        race(
            world,
            lambda racing: racing.approve(codes[0]),
            lambda racing: racing.approve(codes[1]),
            first=first,
        )
        states = [stored.record.state for stored in world.store.every(QA, DeviceGrant)]
        assert sorted(states) == [State.APPROVED, State.DENIED]

    def test_a_code_is_either_approved_or_denied(self, world: World, first: int) -> None:
        authorization = world.authorize()

        def approve(racing: World) -> object:
            return approvals.approve(
                racing.at(NOW), authorization.user_code, server_id=STORE_12, administrator="dana"
            )

        def deny(racing: World) -> object:
            return approvals.deny(racing.at(NOW), authorization.user_code, administrator="dana")

        answers = race(world, approve, deny, first=first)
        assert sum(isinstance(answer, DeviceGrant) for answer in answers) == 1

    def test_two_authorizations_at_once_get_codes_of_their_own(self, world: World, first: int) -> None:
        one, other = race(world, World.authorize, World.authorize, first=first)
        assert one.user_code != other.user_code
        assert one.device_code != other.device_code

    def test_wrong_entries_at_once_are_all_counted(self, world: World, first: int) -> None:
        for _ in range(4):
            approvals.enter_user_code(world.at(NOW), "wrong", administrator="dana")

        def guess(racing: World) -> object:
            return approvals.enter_user_code(racing.at(NOW), "wrong", administrator="dana")

        answers = race(world, guess, guess, guess, first=first)
        assert sorted(type(answer).__name__ for answer in answers) == [
            NotFound.__name__, TooManyGuesses.__name__, TooManyGuesses.__name__,
        ]  # fmt: skip

    # --- a redemption beside a change of its device ---

    @pytest.mark.parametrize(
        "end",
        [
            lambda world: administer.disable_device(world.at(NOW), STORE_12),
            lambda world: administer.delete_device(world.at(NOW), STORE_12),
            lambda world: administer.delete_organization(world.at(NOW), "harbor"),
        ],
        ids=["disabled", "deleted", "organization deleted"],
    )
    def test_no_live_license_outlives_its_device(
        self, world: World, first: int, end: Callable[[World], object]
    ) -> None:
        authorization = world.authorize()
        world.approve(authorization)
        race(world, lambda racing: racing.poll(authorization), end, first=first)
        device = world.device()
        assert device is None or not device.enabled
        assert world.store.find(QA, License, "live", STORE_12) == []

    def test_a_renewal_reaches_the_license_that_is_acquired_at_the_same_time(
        self, world: World, first: int
    ) -> None:
        administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + DAY)
        authorization = world.authorize()
        world.approve(authorization)

        def renew(racing: World) -> object:
            return administer.renew_device(racing.at(NOW), STORE_12, renewal_at=NOW + 100 * DAY)

        race(world, lambda racing: racing.poll(authorization), renew, first=first)
        assert world.license_of().renewal_at == NOW + 100 * DAY

    def test_a_refresh_beside_a_revocation_leaves_the_license_ended(self, world: World, first: int) -> None:
        tokens = world.acquire()

        def refresh(racing: World) -> object:
            return keep.refresh(
                racing.at(NOW), client_id="pos-server", refresh_token=tokens.refresh_token, scope=None
            )

        def revoke(racing: World) -> object:
            return keep.revoke(racing.at(NOW), client_id="pos-server", presented=tokens.refresh_token)

        race(world, refresh, revoke, first=first)
        assert world.license_of().ending == "license_revoked"

    # --- organizations ---

    @pytest.mark.parametrize("hub", [None, HEAD_OFFICE])
    def test_no_device_is_left_of_a_deleted_organization(
        self, world: World, first: int, hub: str | None
    ) -> None:
        new = NewDevice(organization_id="harbor", name="Store 13", edition=Edition.STORE, hub=hub)
        race(
            world,
            lambda racing: administer.create_device(racing.at(NOW), new),
            lambda racing: administer.delete_organization(racing.at(NOW), "harbor"),
            first=first,
        )
        assert world.store.get(QA, Organization, "harbor") is None
        assert world.store.find(QA, Device, "organization", "harbor") == []

    def test_no_administrator_is_left_of_a_deleted_organization(self, world: World, first: int) -> None:
        new = Administrator(username="kim", name="Kim", organizations=("harbor",))
        race(
            world,
            lambda racing: administer.create_administrator(racing.at(NOW), new),
            lambda racing: administer.delete_organization(racing.at(NOW), "harbor"),
            first=first,
        )
        for stored in world.store.every(QA, Administrator):
            assert "harbor" not in stored.record.organizations

    def test_deleting_an_organization_loses_no_change_of_its_administrators(
        self, world: World, first: int
    ) -> None:
        race(
            world,
            lambda racing: administer.change_administrator(racing.at(NOW), "sam", {"name": "Samira"}),
            lambda racing: administer.delete_organization(racing.at(NOW), "harbor"),
            first=first,
        )
        stored = world.store.get(QA, Administrator, "sam")
        assert stored is not None
        assert (stored.record.name, stored.record.organizations) == ("Samira", ("summit",))

    def test_a_deleted_administrator_is_not_brought_back(self, world: World, first: int) -> None:
        race(
            world,
            lambda racing: administer.delete_administrator(racing.at(NOW), "sam"),
            lambda racing: administer.delete_organization(racing.at(NOW), "harbor"),
            first=first,
        )
        assert world.store.get(QA, Administrator, "sam") is None

    def test_two_devices_do_not_become_each_other_s_hub(self, world: World, first: int) -> None:
        world.store.commit(QA, expected={}, puts=[a_device("one"), a_device("two")])
        race(
            world,
            lambda racing: administer.change_device(racing.at(NOW), "one", {"hub": "two"}),
            lambda racing: administer.change_device(racing.at(NOW), "two", {"hub": "one"}),
            first=first,
        )
        hubs = [device.hub for name in ("one", "two") if (device := world.device(name)) is not None]
        assert hubs in (["two", None], [None, "one"])

    @pytest.mark.parametrize("created", [True, False])
    def test_no_spoke_is_left_of_a_deleted_hub(self, world: World, first: int, created: bool) -> None:  # noqa: FBT001 - a case
        spoke = "till-2" if created else "till-1"
        new = NewDevice(
            organization_id="harbor", server_id=spoke, name="Till", edition=Edition.REGISTER, hub=HEAD_OFFICE
        )

        def connect(racing: World) -> object:
            if created:
                return administer.create_device(racing.at(NOW), new)
            return administer.change_device(racing.at(NOW), spoke, {"hub": HEAD_OFFICE})

        race(
            world, connect, lambda racing: administer.delete_device(racing.at(NOW), HEAD_OFFICE), first=first
        )
        device = world.device(spoke)
        assert device is None or device.hub != HEAD_OFFICE

    # --- keys ---

    def test_two_who_first_ask_for_the_keys_get_the_same(self, world: World, first: int) -> None:
        one, other = race(
            world,
            lambda racing: keys.jwks(racing.at(NOW)),
            lambda racing: keys.jwks(racing.at(NOW)),
            first=first,
        )
        assert one == other
        assert len(world.events(EventType.KEY_PUBLISHED)) == 1

    def test_two_rotations_at_once_both_stand(self, world: World, first: int) -> None:
        keys.jwks(world.at(NOW))
        race(
            world,
            lambda racing: keys.rotate_keys(racing.at(NOW)),
            lambda racing: keys.rotate_keys(racing.at(NOW)),
            first=first,
        )
        stored = world.store.get(QA, KeySet, ONLY)
        assert stored is not None
        assert len({key.kid for key in stored.record.keys}) == 3
        assert [key.retires_at for key in stored.record.keys] == [NOW + 7 * DAY, NOW + 7 * DAY, None]

    def test_settings_changed_at_once_are_both_changed(self, world: World, first: int) -> None:
        race(
            world,
            lambda racing: administer.change_settings(racing.at(NOW), {"cors": True}),
            lambda racing: administer.change_settings(racing.at(NOW), {"interval_seconds": 7}),
            first=first,
        )
        before = replace(world.sandbox.settings, cors=False, interval_seconds=5)
        assert world.sandbox.settings == replace(before, cors=True, interval_seconds=7)

    # --- the clock ---

    def test_what_falls_due_is_journalled_once_by_two_requests_at_once(
        self, world: World, first: int
    ) -> None:
        world.authorize()
        sandbox = world.sandbox

        def settle(racing: World) -> int:
            return len(control.settle(racing.store, sandbox, now=NOW + DAY))

        assert sorted(race(world, settle, settle, first=first)) == [0, 1]
        assert len(world.events(EventType.USER_CODE_EXPIRED)) == 1

    def test_a_clock_moved_beside_changed_settings_is_moved_and_they_are_changed(
        self, world: World, first: int
    ) -> None:
        clock = Clock(ClockMode.FROZEN, float(NOW), float(NOW + DAY))
        race(
            world,
            lambda racing: control.set_clock(racing.store, QA, clock, real_at=float(NOW)),
            lambda racing: administer.change_settings(racing.at(NOW), {"cors": True}),
            first=first,
        )
        assert (world.sandbox.clock, world.sandbox.settings.cors) == (clock, True)
