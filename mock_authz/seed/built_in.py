"""The seeds that are built in, as records made already: a server that starts with one reads no YAML.

The demo is seeds/demo.yaml, said once more; a test holds the two equal. Change the file first: it is what people read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from mock_authz.domain.organization import (
    Administrator,
    Device,
    Edition,
    Organization,
    default_features,
)
from mock_authz.instants import EARLIEST_AT, LATEST_AT
from mock_authz.seed.contents import DEFAULT_CLIENTS, Seed
from mock_authz.settings import DAY

# What each holds. A seed of one's own that is called so is written ./demo.
BUILT_IN: Final = {
    "demo": "two retail groups with hubs, stores and registers; log in as admin, password demo",
    "empty": "nothing but the clients pos-server and register",
}

# Of the password demo.
_ADMINS_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$qYt+kzrLOkILD+O5F4GAQg$+mi2ShR7/5HwjGb97QW2CMRxo+SehnHZC06wjV3wxKo"
)
_CLERKS_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$vGGJ0zgWPYU5ztdbuxMLYw$p+7uYgbkufMPdVEvREAANr5tsfppllMC8stL1RhpcCs"
)


# Many sandboxes begin at one instant: frozen at the same one, or created within the same second. They share the records,
# which never change.
@lru_cache(maxsize=16)
def built_in(name: str, *, now: int) -> Seed:
    """Give a built-in seed by its name.

    Args:
        now: Unix seconds on the sandbox's clock; renewal dates count from it.
    """
    records = (*_organizations(), *_devices(now)) if name == "demo" else ()
    return Seed(records=(*records, *DEFAULT_CLIENTS))


def _organizations() -> tuple[Organization | Administrator, ...]:
    return (
        Organization(organization_id="northwind", name="Northwind Outfitters"),
        Organization(organization_id="harbor", name="Harbor Coffee"),
        Administrator(
            username="admin",
            name="Alex Admin",
            organizations=("northwind", "harbor"),
            password_hash=_ADMINS_HASH,
        ),
        Administrator(
            username="clerk", name="Casey Clerk", organizations=("harbor",), password_hash=_CLERKS_HASH
        ),
    )


def _devices(now: int) -> tuple[Device, ...]:
    northwind, harbor = _makes_devices("northwind", now), _makes_devices("harbor", now)
    corporate, cloud, store, register = Edition.CORPORATE, Edition.CLOUD, Edition.STORE, Edition.REGISTER
    return (
        northwind("head-office", "Head Office", corporate, url="https://pos.northwind.example"),
        northwind("store-12", "Store 12", store, url="https://store-12.northwind.example", hub="head-office", days=45),
        northwind("store-12-till-1", "Store 12, till 1", register, hub="store-12"),
        northwind("store-12-till-2", "Store 12, till 2", register, hub="store-12"),
        northwind("store-31", "Store 31", store, url="https://store-31.northwind.example", hub="head-office", days=10),
        northwind("outlet", "Factory Outlet", store, url="https://outlet.northwind.example", hub="head-office", days=-3),
        harbor("harbor-cloud", "Harbor Cloud", cloud, url="https://pos.harbor.example"),
        harbor("pier-cafe", "Pier Cafe", store, url="https://pier.harbor.example", hub="harbor-cloud", days=365),
        harbor("pier-till", "Pier Cafe, till", register, hub="pier-cafe"),
        harbor("station-kiosk", "Station Kiosk", store, hub="harbor-cloud", enabled=False),
    )  # fmt: skip


def _makes_devices(organization_id: str, now: int) -> Callable[..., Device]:
    def device(
        server_id: str,
        name: str,
        edition: Edition,
        *,
        url: str | None = None,
        hub: str | None = None,
        days: int | None = None,
        enabled: bool = True,
    ) -> Device:
        return Device(
            server_id=server_id,
            organization_id=organization_id,
            name=name,
            edition=edition,
            url=url,
            hub=hub,
            features=default_features(edition),
            enabled=enabled,
            # A clock at the end of what clocks can show still has a demo.
            renewal_at=None if days is None else min(max(now + days * DAY, EARLIEST_AT), LATEST_AT - 1),
        )

    return device
