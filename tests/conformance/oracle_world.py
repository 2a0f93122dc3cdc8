"""A small world for tests of the oracle: it is asked, answers to the letter, and is asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from authz_conformance.catalogue import Capability, Profile, load_catalogue
from authz_conformance.model import (
    Admissible,
    Answer,
    Approve,
    Device,
    DeviceAuthorization,
    Judgement,
    Law,
    Organization,
    Poll,
    Refresh,
    Settings,
    State,
    Step,
    World,
    law_of,
    observe,
    predict,
)

CATALOGUE = load_catalogue()
LICENSE = law_of(CATALOGUE, profiles=[Profile.RFC8628, Profile.OAUTH_HYGIENE, Profile.LICENSE])
RFC8628 = law_of(CATALOGUE, profiles=[Profile.RFC8628])
HYGIENE = law_of(CATALOGUE, profiles=[Profile.RFC8628, Profile.OAUTH_HYGIENE])
SILENT = law_of(
    CATALOGUE,
    profiles=[Profile.RFC8628, Profile.OAUTH_HYGIENE, Profile.LICENSE],
    capabilities=frozenset(Capability) - {Capability.JWT_ACCESS_TOKENS, Capability.ENTER_USER_CODES},
)
POS, OTHER, NOBODY = "pos-server", "register", "nobody"
DANA, ERIN = "dana", "erin"
DAY = 86_400
LAPSE = 400 * DAY
ISSUER = "https://authz.example"


def small_world(*, settings: Settings | None = None) -> World:
    """Two stores and a hub of one organization, a stranger of another."""
    devices = [
        Device(server_id="store", organization="harbor", name="Store", renewal_at=LAPSE, hub="hub"),
        Device(server_id="plain", organization="harbor", name="Plain", features=()),
        Device(
            server_id="hub", organization="harbor", name="Hub", edition="corporate", url="https://hub.example"
        ),
        Device(server_id="stranger", organization="quay", name="Stranger"),
    ]
    organizations = [
        Organization(id="harbor", name="Harbor", administrators=frozenset({DANA, ERIN})),
        Organization(id="quay", name="Quay", administrators=frozenset({ERIN})),
    ]
    return World(
        issuer=ISSUER,
        settings=settings or Settings(),
        organizations={one.id: one for one in organizations},
        devices={one.server_id: one for one in devices},
    )


class Bench:
    """Asks the oracle, and has it follow."""

    def __init__(self, law: Law = LICENSE, *, world: World | None = None) -> None:
        self.state = State(law=law, worlds=(world or small_world(),))
        self._asked = 0

    def predict(self, step: Step, *, at: int) -> Admissible:
        return predict(self.state, step, now=at)

    def kinds(self, step: Step, *, at: int) -> tuple[str, ...]:
        return self.predict(step, at=at).kinds

    def reasons(self, step: Step, *, at: int) -> tuple[object, ...]:
        return tuple(one.example().body.get("reason") for one in self.predict(step, at=at).outcomes)

    def reason(self, step: Step, *, at: int) -> object:
        """Give the reason of the only outcome."""
        (found,) = self.reasons(step, at=at)
        return found

    def example(self, step: Step, *, at: int, outcome: int = 0) -> Answer:
        self._asked += 1
        return self.predict(step, at=at).outcomes[outcome].example(serial=f"{self._asked}.")

    def ask(self, step: Step, *, at: int, outcome: int = 0) -> Answer:
        """Answer to the letter (or by a later outcome), and follow."""
        answer = self.example(step, at=at, outcome=outcome)
        assert self.predict(step, at=at).judge(answer) == Judgement()
        self.state = observe(self.state, step, answer, now=at)
        return answer

    def see(self, step: Step, answer: Answer | None, *, at: int) -> Judgement:
        """Follow another answer, and judge it."""
        judgement = self.predict(step, at=at).judge(answer) if answer is not None else Judgement()
        self.state = observe(self.state, step, answer, now=at)
        return judgement

    def breaks(self, step: Step, answer: Answer, *, at: int) -> tuple[str, ...]:
        return self.predict(step, at=at).judge(answer).rules

    # ------------------------------------------------------------------------------ whole stretches of a story

    def codes(self, *, at: int = 0, client_id: str = POS) -> Poll:
        answer = self.ask(DeviceAuthorization(client_id=client_id), at=at)
        return Poll(client_id=client_id, device_code=str(answer.body["device_code"]))

    def approval(self, poll: Poll, *, server_id: str = "store", administrator: str = DANA) -> Approve:
        user_code = self.state.worlds[0].grants[poll.device_code].user_code
        return Approve(user_code=user_code, server_id=server_id, administrator=administrator)

    def acquire(self, *, at: int = 0, server_id: str = "store", administrator: str = DANA) -> Answer:
        poll = self.codes(at=at)
        self.ask(self.approval(poll, server_id=server_id, administrator=administrator), at=at)
        return self.ask(poll, at=at)

    def refreshed(self, answer: Answer, *, at: int) -> Answer:
        """Refresh with the refresh token of an answer."""
        return self.ask(refresh_of(answer), at=at)

    def change(self, server_id: str, **changes: object) -> None:
        """Change a device behind the oracle's back, as provisioning does."""
        worlds = []
        for world in self.state.worlds:
            device = replace(world.devices[server_id], **changes)  # type: ignore[arg-type]
            worlds.append(replace(world, devices={**world.devices, server_id: device}))
        self.state = replace(self.state, worlds=tuple(worlds))


def refresh_of(answer: Answer, *, client_id: str = POS) -> Refresh:
    return Refresh(client_id=client_id, refresh_token=str(answer.body["refresh_token"]))


def error(code: str, *, reason: str | None = None, status: int = 400) -> Answer:
    body: dict[str, object] = {"error": code, "error_description": "Said for people."}
    if reason is not None:
        body["reason"] = reason
    return Answer(status=status, body=body)


def without(answer: Answer, place: str, name: str) -> Answer:
    part = {key: value for key, value in getattr(answer, place).items() if key != name}
    return _exchanged(answer, place, part)


def altered(answer: Answer, place: str, **members: object) -> Answer:
    return _exchanged(answer, place, {**getattr(answer, place), **members})


def _exchanged(answer: Answer, place: str, part: dict[str, Any]) -> Answer:
    parts: dict[str, Any] = {
        "body": answer.body,
        "header": answer.header,
        "claims": answer.claims,
        place: part,
    }
    return Answer(status=answer.status, **parts)
