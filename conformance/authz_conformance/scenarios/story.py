"""Tells a story as readable text with virtual times, for reports. It shows no value that a server gave.

A compiled story is told as it was planned; a performed one with what was answered and what the oracle says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from authz_conformance.model import Answer
from authz_conformance.model.calendar import DAY, HOUR, MINUTE
from authz_conformance.scenarios import dsl
from authz_conformance.scenarios.dsl import Held
from authz_conformance.scenarios.stage import Moment
from authz_conformance.scenarios.timeline import Performance, Timeline


def tell_timeline(timeline: Timeline) -> str:
    """Tell a story as it is planned."""
    lines = [
        f"{clock(entry.at)}  {elapsed(entry.at - timeline.start):>14}  {say(entry.step)}"
        for entry in timeline.entries
    ]
    return "\n".join([*_heading(timeline), *lines])


def tell_performance(performance: Performance) -> str:
    """Tell a story as it went: each step with its answer, and below it the rules that the answer broke."""
    start = performance.timeline.start
    lines = [line for moment in performance.moments for line in _told(moment, start=start)]
    return "\n".join([*_heading(performance.timeline), *lines])


def _heading(timeline: Timeline) -> tuple[str, ...]:
    scenario = timeline.scenario
    return (f"{scenario.id}: {scenario.title}", f"begins {clock(timeline.start)} UTC", "")


def _told(moment: Moment, *, start: int) -> Iterator[str]:
    said = say(moment.step)
    if moment.skipped is not None:
        said += f" - not sent: {moment.skipped}"
    if moment.answer is not None:
        said += f" - {_answered(moment.answer)}"
    yield f"{clock(moment.at)}  {elapsed(moment.at - start):>14}  {said}"
    for unmet in moment.unmet:
        yield f"{'':37}the story {unmet}"
    if moment.judgement is not None:
        for breach in moment.judgement.broken:
            yield f"{'':37}breaks {breach.rule}: due {breach.due}, came {breach.came}"
        for breach in moment.judgement.disregarded:
            yield f"{'':37}against the advice of {breach.rule}: due {breach.due}, came {breach.came}"


def _answered(answer: Answer) -> str:
    reason = answer.body.get("reason") or answer.body.get("license_status")
    return f"{answer.status} {answer.kind}" + (f" ({reason})" if isinstance(reason, str) else "")


def clock(instant: int) -> str:
    """Write an instant in UTC, to the second."""
    return datetime.fromtimestamp(instant, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def elapsed(seconds: int) -> str:
    """Write how long after the beginning something is, as `+3d 00:00:01`."""
    days, rest = divmod(abs(seconds), DAY)
    time = f"{rest // HOUR:02}:{rest % HOUR // MINUTE:02}:{rest % MINUTE:02}"
    return ("-" if seconds < 0 else "+") + (f"{days}d " if days else "") + time


def say(step: dsl.Step) -> str:
    """Say a step in words."""
    return _WORDS[type(step)](step)


def _using(held: Held, thing: str) -> str:
    return (
        ""
        if held is Held.NEWEST
        else f" with {held} {thing}"
        if held is not Held.UNKNOWN
        else f" with a {thing} that nobody has issued"
    )


def _foreign(step: Any) -> str:
    return " as another client" if step.foreign else ""


def _introspect(step: dsl.Introspect) -> str:
    thing = "refresh token" if step.refresh_token else "license token"
    return f"{step.device} introspects {step.using} {thing} of {step.of or 'its own'}"


def _remove(step: dsl.Remove) -> str:
    thing = "license token" if step.license_token else "refresh token"
    return f"{step.device} revokes its license by {step.using} {thing}{_foreign(step)}"


def _renew(step: dsl.Renew) -> str:
    return (
        f"an administrator {'removes' if step.by is None else 'moves'} the renewal date of {step.device}"
        + (f" by {step.by}" if step.by is not None else "")
    )


def _shift(step: Any) -> str:
    back = isinstance(step, dsl.MoveClockBack)
    where = f"by {step.by}" if step.to is None else f"to {step.to} of {step.device}"
    return f"the server's clock is moved back {where}" if back else f"time passes {where}"


def _expect(step: dsl.Expect) -> str:
    named = {name: getattr(step, name) for name in dsl.Expect.__dataclass_fields__}
    said = [f"{name} {value}" for name, value in named.items() if value is not None and name != "otherwise"]
    return "expected: " + ", ".join(said)


_WORDS: Mapping[type[dsl.Step], Callable[[Any], str]] = {
    dsl.Next: lambda step: f"{step.device} asks for codes",
    dsl.Poll: lambda step: f"{step.device} polls{_using(step.code, 'code')}{_foreign(step)}",
    dsl.Acquire: lambda step: f"{step.device} acquires a license",
    dsl.Refresh: lambda step: f"{step.device} refreshes{_using(step.using, 'refresh token')}{_foreign(step)}",
    dsl.View: lambda step: f"{step.device} looks at its license{_using(step.using, 'license token')}",
    dsl.Introspect: _introspect,
    dsl.Remove: _remove,
    dsl.FetchKeys: lambda step: f"{step.device} fetches the keys",
    dsl.Approve: lambda step: f"an administrator approves {step.device}{_using(step.code, 'code')}",
    dsl.Deny: lambda step: f"an administrator denies {step.device}{_using(step.code, 'code')}",
    dsl.Renew: _renew,
    dsl.Disable: lambda step: f"an administrator disables {step.device}",
    dsl.Enable: lambda step: f"an administrator enables {step.device}",
    dsl.Delete: lambda step: f"an administrator deletes {step.device}",
    dsl.Revoke: lambda step: f"an administrator revokes the license of {step.device}",
    dsl.RotateKeys: lambda step: (
        "a new signing key is made" + (", to sign at once" if step.immediately else "")
    ),
    dsl.Advance: _shift,
    dsl.MoveClockBack: _shift,
    dsl.GoOffline: lambda step: f"{step.device} goes offline",
    dsl.BackOnline: lambda step: f"{step.device} is back online",
    dsl.LoseReply: lambda step: f"the reply to the next request of {step.device} will be lost",
    dsl.Expect: _expect,
}
