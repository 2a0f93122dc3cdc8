from __future__ import annotations

import pytest

from tests.web.site import Site, a_site


@pytest.fixture
def site() -> Site:
    return a_site()
