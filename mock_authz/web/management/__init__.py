"""The management API of one sandbox: JSON in, JSON out, under its issuer and its own bearer token.

One table of routes; the modules beside it hold the handlers, each for one kind of record.
"""

from __future__ import annotations

from typing import Final

from mock_authz.domain import spelling
from mock_authz.domain.device_grant import State
from mock_authz.usecases.context import Context
from mock_authz.web.management import (
    administrators,
    authorizations,
    clients,
    devices,
    keys,
    organizations,
    sandbox,
)
from mock_authz.web.rest import Routes, bare, taking, taking_perhaps

LARGEST_BODY: Final = 1024 * 1024
STATES: Final = "|".join(State)

ROUTES: Final[Routes[Context]] = Routes({
    "/management/organizations": {
        "GET": bare(organizations.list_all), "POST": taking(organizations.create),
    },
    "/management/organizations/{organization_id}": {
        "GET": bare(organizations.show), "PATCH": taking(organizations.change),
        "DELETE": bare(organizations.delete),
    },
    "/management/administrators": {
        "GET": bare(administrators.list_all), "POST": taking(administrators.create),
    },
    "/management/administrators/{username}": {
        "GET": bare(administrators.show), "PATCH": taking(administrators.change),
        "DELETE": bare(administrators.delete),
    },
    "/management/devices": {
        "GET": bare(devices.list_all, organization=spelling.IDENTIFIER), "POST": taking(devices.create),
    },
    "/management/devices/{server_id}": {
        "GET": bare(devices.show), "PATCH": taking(devices.change), "DELETE": bare(devices.delete),
    },
    "/management/devices/{server_id}/disable": {"POST": bare(devices.disable)},
    "/management/devices/{server_id}/enable": {"POST": bare(devices.enable)},
    "/management/devices/{server_id}/renew": {"POST": taking(devices.renew)},
    "/management/devices/{server_id}/revoke": {"POST": bare(devices.revoke)},
    "/management/authorizations": {"GET": bare(authorizations.list_all, state=STATES)},
    "/management/authorizations/{user_code}": {"GET": bare(authorizations.show)},
    "/management/authorizations/{user_code}/approve": {"POST": taking(authorizations.approve)},
    "/management/authorizations/{user_code}/deny": {"POST": taking(authorizations.deny)},
    "/management/keys": {"GET": bare(keys.list_all)},
    "/management/keys/rotate": {"POST": taking_perhaps(keys.rotate)},
    "/management/clients": {"GET": bare(clients.list_all), "POST": taking(clients.create)},
    "/management/clients/{client_id}": {"GET": bare(clients.show), "DELETE": bare(clients.delete)},
    "/management/settings": {"GET": bare(sandbox.show_settings), "PATCH": taking(sandbox.change_settings)},
    "/management/seed": {"GET": bare(sandbox.dump)},
}, largest_body=LARGEST_BODY)  # fmt: skip
