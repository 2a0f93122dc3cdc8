"""Takes a survey: sends what is generated and what is set, one request after the other, and judges each answer.

Set requests are the same in every survey. They show that each operation succeeds at all, without which a refusal proves
nothing, and try what no schema says: other methods, HEAD, bodies that are too large.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from authz_conformance import real_time
from authz_conformance.contract.cases import Case, Generator, Request, given_out, is_bad, serialized
from authz_conformance.contract.document import Operation, operations, protocol_part
from authz_conformance.contract.judging import judged
from authz_conformance.contract.material import gather
from authz_conformance.contract.places import find_places
from authz_conformance.contract.set_requests import Purpose, SetRequest, set_requests
from authz_conformance.contract.survey import Finding, Rules, Survey
from authz_conformance.exchange import Exchange
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.session import Session
from authz_conformance.story import Story
from authz_conformance.wire import Wire

# Of the requests that ask for a license token, one in so many keeps the credentials that schemathesis made up; of all,
# one in so many keeps the codes.
OWN_VALUES_EVERY = 3
WELL = range(200, 400)
SERVER_ERRORS = range(500, 600)
METHOD_NOT_ALLOWED = 405
TOO_LARGE = 413
STEPS = {"metadata": None, "device_authorization": "POST /device_authorization", "poll": "POST /token"}


class _Stopped(Exception):  # noqa: N818 - it is no error
    """The survey cannot go on. The message says why."""


class Surveyor:
    """Takes one survey of one server.

    Args:
        server: On a stage of the survey's own.
        session: Of the run.
    """

    def __init__(self, server: ServerUnderTest, session: Session) -> None:
        self._server, self._session = server, session
        self._generator = Generator(protocol_part())
        self._generated = self._set = 0
        self._findings: dict[Rules, Finding] = {}
        self._untried: dict[str, str] = {}
        self._unsettled: dict[Rules, str] = {}
        self._silent: Exchange | None = None

    def survey(self) -> Survey:
        """Take it."""
        stopped = None
        try:
            self._look_around()
        except _Stopped as why:
            stopped = str(why)
        if self._silent is not None and stopped is None:
            self._find(Rules.SERVER_ERROR, f"{self._silent.step} answered", self._silent.said, self._silent)
        return Survey(
            generated=self._generated,
            set_requests=self._set,
            findings=self._findings,
            untried=self._untried,
            unsettled=self._unsettled,
            stopped=stopped,
        )

    def _look_around(self) -> None:
        self._material = gather(self._server)
        places = find_places(self._server, self._material)
        self._places, self._untried = places.known, dict(places.unknown)
        for exchange in self._server.story.exchanges:
            label = STEPS.get(exchange.step)
            if label is not None and exchange.failure is None:
                self._judge(self._generator.blank(label), exchange)
        self._go_on()
        known = [operations()[label] for label in self._places]
        for operation in known:
            self._try_set_requests(operation)
        # Where the name of a sandbox stands in the path, the target has one place, and nothing can be generated.
        self._try_generated([operation for operation in known if "{sandbox}" not in operation.path])

    # --------------------------------------------------------------------------------------- the set requests
    def _try_set_requests(self, operation: Operation) -> None:
        before: Exchange | None = None
        for one in set_requests(operation, self._places[operation.label], self._material):
            self._set += 1
            answer = self._send(operation.label, one.request)
            if answer.failure is not None:
                self._untried.setdefault(operation.label, answer.failure)
                continue
            self._weigh(operation, one, answer, before)
            if one.purpose is Purpose.GOOD:
                before = answer
        if before is None and operation.label not in self._untried:
            self._untried[operation.label] = self._material.missing or "nothing good could be sent"

    def _weigh(self, operation: Operation, one: SetRequest, answer: Exchange, good: Exchange | None) -> None:
        """Judge the answer to a set request: by what it is for, and by the contract where it is as it should be."""
        label = operation.label
        if answer.status in SERVER_ERRORS and one.rule is not None:
            self._unsettled.setdefault(one.rule, f"{label} answered {one.what} with {answer.said}")
        elif (wrong := _wrong(one, answer, good)) is not None and one.rule is not None:
            before = [good] if one.purpose is Purpose.HEAD and good is not None else []
            self._find(one.rule, f"{label} answers {one.what} with {wrong}", _told(answer), *before, answer)
            return
        elif one.purpose is Purpose.GOOD and answer.status not in WELL:
            self._untried.setdefault(label, f"a good request was answered with {answer.said}")
        if one.purpose is Purpose.HEAD and answer.status not in SERVER_ERRORS:
            return
        self._judge(self._generator.blank(label), answer)

    # -------------------------------------------------------------------------------------- the generated ones
    def _try_generated(self, known: list[Operation]) -> None:
        numbers = {operation.label: count(1) for operation in known}
        total = self._session.cases
        for case in self._generator.cases(
            [one.label for one in known], seed=self._session.seed, number=total
        ):
            label = str(case.operation.label)
            request = self._request(case, operations()[label], next(numbers[label]))
            self._generated += 1
            self._session.watch(self._generated, total)
            if request is None:
                continue
            answer = self._send(label, request)
            if answer.failure is None:
                self._judge(case, answer)
            elif answer.unsent:
                self._untried.setdefault(label, answer.failure)

    def _request(self, case: Case, operation: Operation, number: int) -> Request | None:
        credentials: dict[str, str] = {}
        if number % OWN_VALUES_EVERY:
            given_out(case, self._material)
            if operation.takes_token and not is_bad(case, "header"):
                credentials = self._material.credentials
        return serialized(case, self._places[operation.label], credentials=credentials)

    # ----------------------------------------------------------------------------------------------- both
    def _send(self, label: str, request: Request) -> Exchange:
        self._go_on()
        wire = Wire(self._session.connection, Story(read_clock=self._server.story.read_clock))
        answer = wire.send(
            request.method, request.url, step=label, headers=request.headers, content=request.content
        )
        if answer.failure is not None and not answer.unsent and self._silent is None:
            self._silent = answer
        self._material.note(answer)
        return answer

    def _go_on(self) -> None:
        """Stop where nothing more can be learned.

        Raises:
            BrokenOff: the person at the terminal asked for it.
        """
        real_time.sleep(0)
        lost = self._session.connection.patience.lost
        sent = self._set + self._generated
        if lost is not None:
            raise _Stopped(f"the server stopped answering after {sent} requests ({lost})")
        if real_time.monotonic() > self._session.deadline:
            raise _Stopped(f"the run's time was up after {sent} requests")

    def _judge(self, case: Case, answer: Exchange) -> None:
        for broken in judged(case, answer):
            self._find(broken.rule, broken.wanted, broken.found, answer)

    def _find(self, rule: Rules, wanted: str, found: str, *exchanges: Exchange) -> None:
        first = self._findings.get(rule)
        if first is not None:
            self._findings[rule] = replace(first, times=first.times + 1)
            return
        told = [*self._material.sources(exchanges[-1]), *exchanges]
        self._findings[rule] = Finding(wanted=wanted, found=found, exchanges=told)


def _wrong(one: SetRequest, answer: Exchange, good: Exchange | None) -> str | None:
    """Say what a set request should have been answered with, if it was not."""
    match one.purpose:
        case Purpose.BAD:
            return "a refusal" if answer.status in range(200, 300) else None
        case Purpose.OTHER_METHOD:
            return _wrong_method(one, answer)
        case Purpose.LARGE:
            return None if answer.status == TOO_LARGE else str(TOO_LARGE)
        case Purpose.HEAD:
            wanted = None if good is None else good.status
            return None if answer.status == wanted and not answer.content else f"{wanted}, without a body"
    return None


def _wrong_method(one: SetRequest, answer: Exchange) -> str | None:
    if answer.status != METHOD_NOT_ALLOWED:
        return str(METHOD_NOT_ALLOWED)
    # A 405 without Allow is for the rule about headers.
    allowed = _methods(answer)
    is_right = one.offered in allowed and one.request.method not in allowed
    return (
        None
        if is_right or not allowed
        else f"an Allow that lists {one.offered}, and not {one.request.method}"
    )


def _methods(answer: Exchange) -> set[str]:
    return {name.strip().upper() for name in (answer.header("allow") or "").split(",")} - {""}


def _told(answer: Exchange) -> str:
    allow = answer.header("allow")
    return answer.said if allow is None else f"{answer.said}, Allow: {allow}"
