"""Time-travel stories on one timeline: data, compiled to instants for a target's lifetimes, judged by the oracle.

`SCENARIOS` are written by hand; `schedule.schedules` draws random ones (it needs Hypothesis, and is imported by name).
"""

from authz_conformance.scenarios.dsl import Part, Scenario
from authz_conformance.scenarios.hands import Cast, Identity
from authz_conformance.scenarios.ideal import IdealServer
from authz_conformance.scenarios.lifetimes import Bound, Lifetime, Mark, Span, mark
from authz_conformance.scenarios.stage import Moment, Seen, Server, Stage, setting
from authz_conformance.scenarios.stories import SCENARIOS
from authz_conformance.scenarios.story import tell_performance, tell_timeline
from authz_conformance.scenarios.timeline import (
    START,
    Entry,
    Performance,
    Timeline,
    TimelineError,
    compile_scenario,
    perform,
)

__all__ = [
    "SCENARIOS",
    "START",
    "Bound",
    "Cast",
    "Entry",
    "IdealServer",
    "Identity",
    "Lifetime",
    "Mark",
    "Moment",
    "Part",
    "Performance",
    "Scenario",
    "Seen",
    "Server",
    "Span",
    "Stage",
    "Timeline",
    "TimelineError",
    "compile_scenario",
    "mark",
    "perform",
    "setting",
    "tell_performance",
    "tell_timeline",
]
