"""The timeline of a sandbox as data: what its picture is drawn from."""

from __future__ import annotations

from typing import Any, Final

from mock_authz.instants import utc
from mock_authz.oauth.reply import Reply
from mock_authz.usecases.timeline_view import Lane, LicenseLife, Outage, Span, timeline_view
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.rest import Call, Operation, bare
from mock_authz.web.shown import NO_STORE, shown_subject


def show_timeline(_: Call, place: Place) -> Reply:
    """Show the life of every license, the outages, and what happened around them."""
    view = timeline_view(place.context)
    shown = {
        "now": view.now,
        "now_utc": utc(view.now),
        "devices": [_shown_lane(lane) for lane in view.lanes],
        "outages": [_shown_outage(outage) for outage in view.outages],
        "events": [
            {"at": event.at, "type": event.type, "subject": shown_subject(event.subject)}
            for event in view.events
        ],
    }
    return Reply(200, shown, NO_STORE)


def _shown_lane(lane: Lane) -> dict[str, Any]:
    return {
        "server_id": lane.server_id,
        "name": lane.name,
        "license_status": lane.status.value,
        "licenses": [_shown_life(life) for life in lane.licenses],
    }


def _shown_life(life: LicenseLife) -> dict[str, Any]:
    return {
        "license_id": life.license_id,
        "issued_at": life.issued_at,
        "license_tokens": [
            {"issued_at": token.from_at, "expires_at": token.until_at} for token in life.tokens
        ],
        "required_renewal": [_shown_span(window) for window in life.windows],
        "renewal_at": life.renewal_at,
        "renewed_at": list(life.renewed_at),
        "over_at": life.over_at,
        "reason": life.reason,
    }


def _shown_span(span: Span) -> dict[str, int]:
    return {"from_at": span.from_at, "until_at": span.until_at}


def _shown_outage(outage: Outage) -> dict[str, Any]:
    return {
        "fault_id": outage.fault_id,
        "kind": outage.kind,
        "steps": list(outage.steps),
        "server_id": outage.server_id,
        "from_at": outage.from_at,
        "until_at": outage.until_at,
    }


PATH: Final = "/_control/sandboxes/{sandbox}/timeline"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {PATH: {"GET": bare(within(show_timeline))}}
