"""What a seed comes to: records and settings. Knows nothing of how it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mock_authz.domain.organization import Client
from mock_authz.settings import Settings

# protocol.md, Endpoints: the clients of a sandbox that lists none.
DEFAULT_CLIENTS: Final = (
    Client(client_id="pos-server", name="POS server"),
    Client(client_id="register", name="Register"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What a sandbox starts with.

    Attributes:
        records: organizations, administrators, devices and clients, in the order of the seed.
    """

    records: tuple[object, ...] = ()
    settings: Settings = Settings()
