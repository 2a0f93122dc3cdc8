"""The stories, by what they are about."""

from authz_conformance.scenarios.dsl import Scenario
from authz_conformance.scenarios.stories.clocks import CLOCKS
from authz_conformance.scenarios.stories.codes import CODES
from authz_conformance.scenarios.stories.endings import ENDINGS
from authz_conformance.scenarios.stories.keys import KEYS
from authz_conformance.scenarios.stories.refreshing import REFRESHING
from authz_conformance.scenarios.stories.renewing import RENEWING

SCENARIOS: tuple[Scenario, ...] = (*CODES, *REFRESHING, *RENEWING, *ENDINGS, *KEYS, *CLOCKS)

__all__ = ["SCENARIOS"]
