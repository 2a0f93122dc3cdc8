"""What the page has under way: the buttons' errands, each at most once, and what came of the last one.

Owns the asyncio tasks. It decides nothing about the license: each errand is one call of the client.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from authz_client.machine import Task
from authz_client.outcome import Kind, Outcome
from authz_client.page.keeper import PageClient, Waker
from authz_client.state import Phase
from authz_client.state_store import StoreError
from authz_client.wording import sentence

_log: Final = logging.getLogger("authz_client.page")
#: What the page shows by itself needs no words.
_SHOWN_BY_ITSELF: Final = frozenset({Kind.USER_CODE_SHOWN, Kind.ABANDONED})
FIRST_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Told:
    """What came of an errand, for people; `tone` is `good`, `warning` or `bad`."""

    text: str
    tone: str


@dataclass(frozen=True)
class _Running:
    task: asyncio.Task[None]
    about: str | None


class Errands:
    """The errands under way. Pressing a button again starts nothing."""

    def __init__(self, client: PageClient, waker: Waker) -> None:
        self._client = client
        self._waker = waker
        self._running: dict[Task, _Running] = {}
        self.told: Told | None = None

    @property
    def busy(self) -> frozenset[Task]:
        """The errands that are under way."""
        return frozenset(task for task, running in self._running.items() if not running.task.done())

    def acquire(self, *, start_over: bool) -> None:
        """Next, or another user code."""
        self._begin(Task.ACQUIRE, lambda: self._client.acquire(start_over=start_over))

    def complete(self) -> None:
        """Complete Authorization: polls at once, then at the interval, until a final answer."""
        code = self._client.status().user_code
        self._begin(Task.COMPLETE, self._client.complete, about=code.user_code if code else None)

    def refresh(self) -> None:
        """Refresh."""
        self._begin(Task.REFRESH, self._client.refresh)

    def remove(self) -> None:
        """Remove License, or forget a user code."""
        self._begin(Task.REMOVE, self._client.remove)

    def opened(self) -> None:
        """The page was opened: a license is refreshed, at most once a minute; nothing is said of it."""
        self.told = None
        if self._client.status().phase is Phase.LICENSED:
            self._begin(Task.REFRESH, self._client.refresh, is_told=False)

    async def settle(self, seconds: float) -> None:
        """Wait a little for what is quick; polling goes on in the background, but its first answer is given a moment."""
        under_way = {task: running.task for task, running in self._running.items() if task in self.busy}
        polling = under_way.pop(Task.COMPLETE, None)
        if under_way:
            await asyncio.wait(under_way.values(), timeout=seconds)
        elif polling is not None:
            await asyncio.wait([polling], timeout=min(seconds, FIRST_POLL_SECONDS))

    async def close(self) -> None:
        """Stop everything."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self,
        task: Task,
        errand: Callable[[], Awaitable[Outcome]],
        *,
        about: str | None = None,
        is_told: bool = True,
    ) -> None:
        before = self._running.get(task)
        is_running = before is not None and not before.task.done()
        if is_running and before is not None and before.about == about:
            return
        if is_told:
            self.told = None
        previous = before.task if is_running and before is not None else None
        doing = asyncio.create_task(self._do(task, errand, is_told=is_told, previous=previous))
        self._running[task] = _Running(doing, about)

    async def _do(
        self,
        task: Task,
        errand: Callable[[], Awaitable[Outcome]],
        *,
        is_told: bool,
        previous: asyncio.Task[None] | None,
    ) -> None:
        if previous is not None:
            # It polls for a user code that is gone: once woken it finds that out.
            self._waker.wake()
            await asyncio.wait([previous])
        try:
            outcome = await errand()
        except StoreError as error:
            self.told = Told(str(error), "bad")
            return
        except Exception:  # noqa: BLE001 - a bug: said on the page, told in the log
            _log.exception("%s failed", task.value)
            self.told = Told("That failed: the log of this program says more.", "bad")
            return
        finally:
            self._waker.wake()
        # A refused authorization is kept in the state, and shown from there.
        is_shown = outcome.kind in _SHOWN_BY_ITSELF or (task, outcome.kind) == (Task.COMPLETE, Kind.REFUSED)
        if is_told and not is_shown:
            self.told = Told(sentence(outcome), _tone(outcome))


def _tone(outcome: Outcome) -> str:
    if outcome.is_success:
        return "good"
    return "bad" if outcome.kind in {Kind.ENDED, Kind.REFUSED} else "warning"
