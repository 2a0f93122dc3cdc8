"""A second, independent reading of the license protocol: what a server may answer, step by step.

Written from protocol.md and the protocol part of openapi.yaml alone; it shares nothing with any server. Pure: instants
are arguments, whole Unix seconds. `predict` gives the set of admissible answers, `observe` follows the one that came.
"""

from authz_conformance.model.answers import (
    Answer,
    Breach,
    Check,
    Decision,
    Judgement,
    Outcome,
)
from authz_conformance.model.calendar import add_months, license_status, token_state
from authz_conformance.model.law import Law, law_of
from authz_conformance.model.oracle import Admissible, State, observe, predict
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import (
    Approve,
    Delete,
    Deny,
    DeviceAuthorization,
    Disable,
    Enable,
    FetchKeys,
    Introspect,
    Poll,
    Refresh,
    Renew,
    RevokeLicense,
    RevokeToken,
    RotateKeys,
    Step,
    ViewLicense,
)
from authz_conformance.model.world import Device, Organization, Settings, World

__all__ = [
    "Admissible",
    "Answer",
    "Approve",
    "Breach",
    "Check",
    "Decision",
    "Delete",
    "Deny",
    "Device",
    "DeviceAuthorization",
    "Disable",
    "Enable",
    "FetchKeys",
    "Introspect",
    "Judgement",
    "Law",
    "Organization",
    "Outcome",
    "Poll",
    "Reading",
    "Refresh",
    "Renew",
    "RevokeLicense",
    "RevokeToken",
    "RotateKeys",
    "Settings",
    "State",
    "Step",
    "ViewLicense",
    "World",
    "add_months",
    "law_of",
    "license_status",
    "observe",
    "predict",
    "token_state",
]
