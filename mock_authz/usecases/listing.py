"""Looking up what the sandbox holds, as it stands: one record by its id, or all of a kind. Changes nothing."""

from __future__ import annotations

from mock_authz.store.port import R
from mock_authz.store.records import KINDS
from mock_authz.usecases.context import Context


def find_record(context: Context, kind: type[R], record_id: str) -> R | None:
    """Find one record."""
    stored = context.store.get(context.sandbox.name, kind, record_id)
    return None if stored is None else stored.record


def list_records(context: Context, kind: type[R]) -> list[R]:
    """List all records of a kind, in order of their ids."""
    found = [stored.record for stored in context.store.every(context.sandbox.name, kind)]
    return sorted(found, key=KINDS[kind].id_of)
