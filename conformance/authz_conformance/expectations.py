"""What a rule test says about an answer: `expect` at the exchange that the rule is about, `given` on the way there.

Both have the same methods. `expect` raises `RuleBroken`, which fails the rule; `given` raises `PreconditionBroken`,
which makes it not testable.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from authz_conformance.exchange import Exchange
from authz_conformance.flow import DEFAULT_INTERVAL, Grant, LicenseToken, Tokens, take_apart
from authz_conformance.redaction import shown
from authz_conformance.targets.ports import Entry
from authz_conformance.verdicts import NotTestable, PreconditionBroken, RuleBroken

OK = frozenset({200})
ANY_SUCCESS = range(200, 300)
ANY_REFUSAL = range(400, 500)
SHOWN = 300
_IN_JSON: Mapping[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    list: "an array",
    dict: "an object",
}
FEW = 5


class Expectations:
    """Checks of answers; the kind of finding is chosen once.

    Args:
        broken: What is raised.
        successes: The statuses of a success. A precondition is content with any of 200 to 299: which one it has to
            be is a rule of its own.
    """

    def __init__(
        self, broken: type[RuleBroken | PreconditionBroken], *, successes: Collection[int] = OK
    ) -> None:
        self._broken, self._successes = broken, successes

    # ------------------------------------------------------------------------------------------- any finding
    def fail(self, *, wanted: str, found: str, exchange: Exchange | None = None) -> NoReturn:
        """Say that it is broken.

        Args:
            wanted: What the rule asks for, as in "400 invalid_grant".
            found: What there was instead.
            exchange: Where.
        """
        if exchange is not None and exchange.unsent:
            raise NotTestable(exchange.failure or "not sent")
        raise self._broken(wanted=wanted, found=found, exchange=exchange)

    def that(self, holds: object, *, wanted: str, found: object, exchange: Exchange | None = None) -> None:
        """Check anything else."""
        if not holds:
            self.fail(wanted=wanted, found=_shown(found), exchange=exchange)

    def equal(self, found: object, wanted: object, *, what: str, exchange: Exchange | None = None) -> None:
        """Check that a value is exactly another, of the same type (1 is neither 1.0 nor True)."""
        if type(found) is not type(wanted) or found != wanted:
            say = _shown if type(found) is type(wanted) else _as_json
            self.fail(wanted=f"{what} {say(wanted)}", found=say(found), exchange=exchange)

    # -------------------------------------------------------------------------------------------- any answer
    def status(self, answer: Exchange, *statuses: int) -> None:
        """Check the status."""
        if answer.status not in statuses:
            self._unlike(answer, " or ".join(str(status) for status in statuses))

    def refused(self, answer: Exchange) -> None:
        """Check that it was refused properly: 400 to 499; a server error is no refusal, nor is silence."""
        if answer.status not in ANY_REFUSAL:
            self._unlike(answer, "a refusal (400 to 499)")

    def success(self, answer: Exchange) -> dict[str, Any]:
        """Check for 200 with a JSON object, and return its members."""
        if answer.status not in self._successes or not isinstance(answer.json, dict):
            self._unlike(answer, "200 with a JSON object")
        return dict(answer.members)

    def error(
        self,
        answer: Exchange,
        *errors: str,
        status: int | Collection[int] = ANY_REFUSAL,
        reason: str | None = None,
    ) -> dict[str, Any]:
        """Check for an OAuth error response, and return its members.

        Args:
            answer: What came.
            errors: The codes that the rule admits.
            status: The status, or those that the rule admits, where the rule is about it; else any refusal's.
            reason: The member `reason`, for a Kensium server.
        """
        statuses = {status} if isinstance(status, int) else set(status)
        wanted = f"{_statuses(statuses)} {' or '.join(errors)}"
        if reason is not None:
            wanted += f" with reason {reason}"
        fits = answer.status in statuses and answer.error in errors
        if not fits or (reason is not None and answer.members.get("reason") != reason):
            self._unlike(answer, wanted)
        return dict(answer.members)

    def never(self, answer: Exchange, *errors: str) -> None:
        """Check that there is an answer, and that it is neither one of these errors nor a server error."""
        if answer.error in errors or answer.status is None or answer.status >= 500:  # noqa: PLR2004 - HTTP
            self._unlike(answer, f"anything but {' or '.join(errors)}")

    def header(self, answer: Exchange, name: str, containing: str = "") -> str:
        """Check that a header is there and holds a text, whatever its case; return it."""
        value = answer.header(name)
        if value is None or containing.lower() not in value.lower():
            wanted = f"the header {name}" + (f" with {containing}" if containing else "")
            self.fail(wanted=wanted, found=f"{name}: {value}" if value else "none", exchange=answer)
        return value

    def member(self, answer: Exchange, name: str, kind: type | tuple[type, ...] = str) -> Any:
        """Check that a member of the JSON object is there and of a type; return it. True is no int."""
        value = answer.members.get(name)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(dict.fromkeys(_IN_JSON[one] for one in kinds))
            found = _as_json(value) if name in answer.members else f"no {name} in {answer.said}"
            self.fail(wanted=f"the member {name}, {names}", found=found, exchange=answer)
        return value

    # ------------------------------------------------------------------------------------------- user codes
    def entry(self, entry: Entry, *, accepted: bool, wanted: str, exchange: Exchange | None = None) -> None:
        """Check how an entered user code was taken. One that was barred has shown nothing: it was not looked at."""
        if entry.barred:
            raise PreconditionBroken(wanted="an entry that is looked at", found=str(entry), exchange=exchange)
        self.that(entry.accepted is accepted, wanted=wanted, found=entry, exchange=exchange)

    # ------------------------------------------------------------------------------------------ flow answers
    def codes(self, answer: Exchange, *, client_id: str = "") -> Grant:
        """Check for codes that a flow can go on with, and read them. How the rest must look is for rules of its own."""
        self.success(answer)
        uri = answer.members.get("verification_uri")
        complete = answer.members.get("verification_uri_complete")
        return Grant(
            device_code=self.member(answer, "device_code"),
            user_code=self.member(answer, "user_code"),
            verification_uri=uri if isinstance(uri, str) else "",
            verification_uri_complete=complete if isinstance(complete, str) else None,
            expires_in=self._seconds(answer, "expires_in"),
            interval=self._seconds(answer, "interval") if "interval" in answer.members else DEFAULT_INTERVAL,
            issued_at=_issued_at(answer),
            client_id=client_id,
            exchange=answer,
        )

    def tokens(self, answer: Exchange, *, client_id: str = "") -> Tokens:
        """Check for a successful token response, and read it."""
        self.success(answer)
        members = answer.members
        expires_in, scope = members.get("expires_in"), members.get("scope")
        refresh_token = members.get("refresh_token")
        return Tokens(
            access_token=self.member(answer, "access_token"),
            refresh_token=refresh_token if isinstance(refresh_token, str) else None,
            token_type=self.member(answer, "token_type"),
            expires_in=expires_in if type(expires_in) is int else None,
            scope=scope if isinstance(scope, str) else None,
            issued_at=_issued_at(answer),
            client_id=client_id,
            exchange=answer,
        )

    def jwt(self, compact: str, *, exchange: Exchange | None = None) -> LicenseToken:
        """Check that a token is a JWT, and take it apart. Its signature is not looked at."""
        token = take_apart(compact)
        if token is None:
            self.fail(wanted="a JWT", found="something else", exchange=exchange)
        return token

    def active(self, answer: Exchange) -> dict[str, Any]:
        """Check that an introspection says active, and return its members."""
        members = self.success(answer)
        if members.get("active") is not True:
            self._unlike(answer, "active true")
        return members

    def inactive(self, answer: Exchange) -> None:
        """Check that an introspection says `{"active": false}` and nothing else."""
        if self.success(answer) != {"active": False}:
            self._unlike(answer, '{"active": false} and nothing else')

    def _seconds(self, answer: Exchange, name: str) -> int:
        """Read seconds, also where they are spelled as a text."""
        seconds = self.member(answer, name, (int, float, str))
        try:
            return int(seconds)
        except (ValueError, OverflowError):
            self.fail(wanted=f"{name} in seconds", found=_as_json(seconds), exchange=answer)

    def _unlike(self, answer: Exchange, wanted: str) -> NoReturn:
        found = answer.said
        if answer.failure is None and answer.error is None:
            body = shown(answer, most=SHOWN) or "an empty body"
            found += f" {answer.media_type or 'without a type'}: {body}"
        self.fail(wanted=wanted, found=found, exchange=answer)


expect = Expectations(RuleBroken)
given = Expectations(PreconditionBroken, successes=ANY_SUCCESS)


def _statuses(admitted: Collection[int]) -> str:
    """Name statuses; of nearly all refusals those that are left out."""
    if len(admitted) <= FEW:
        return " or ".join(map(str, sorted(admitted)))
    left_out = sorted(set(ANY_REFUSAL) - set(admitted))
    return "a refusal" + (f" (but {' or '.join(map(str, left_out))})" if left_out else "") + " with"


def _issued_at(answer: Exchange) -> int:
    return answer.at or 0


def _shown(value: object) -> str:
    return str(value) if isinstance(value, str | Entry) else _as_json(value)


def _as_json(value: object) -> str:
    """Show a value as it stands in JSON: who reads it need not know what the kit is written in."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=repr)
