"""Reading on in a journal that grows, and that a restored snapshot may take back. Knows nothing of how it is shown."""

from __future__ import annotations

from mock_authz.domain.events import Event, EventType
from mock_authz.store.port import Entry
from mock_authz.web.desk import Desk, look


class ReadingOn:
    """One reader of a sandbox's journal, who remembers the entry that it read last.

    A restored snapshot takes the journal back and counts anew from there: then the reader goes on with the restoring.
    """

    def __init__(self, desk: Desk, name: str, *, after: int) -> None:
        self._desk = desk
        self._name = name
        self._after = after
        self._last: Entry | None = None

    def news(self) -> list[Entry] | None:
        """Give the entries that are new since the last time; None once the sandbox is gone.

        What fell due is applied first: who follows or waits asks again and again.
        """
        if look(self._desk, self._name) is None:
            return None
        return self._first() if self._last is None else self._next(self._last)

    def _first(self) -> list[Entry]:
        entries = self._desk.store.journal(self._name)
        self._last = entries[-1] if entries else None
        if self._last is not None and self._last.sequence < self._after:
            return since_restored(entries)
        return [entry for entry in entries if entry.sequence > self._after]

    def _next(self, last: Entry) -> list[Entry]:
        found = self._desk.store.journal(self._name, after=last.sequence - 1)
        if found[:1] != [last]:
            # Taken back, or the journal of another sandbox of this name.
            found = [last, *since_restored(self._desk.store.journal(self._name))]
        self._last = found[-1]
        return found[1:]


def since_restored(entries: list[Entry]) -> list[Entry]:
    """Give what was journalled since a snapshot was restored, that included; all, if none was."""
    for position in range(len(entries) - 1, -1, -1):
        event = entries[position].of
        if (
            isinstance(event, Event)
            and event.type is EventType.SANDBOX_CHANGED
            and event.subject.get("change") == "restored"
        ):
            return entries[position:]
    return entries
