"""Shares the work out: which rules are tried with which quirk, in processes of their own, until all is done or Ctrl-C."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from authz_conformance import real_time
from authz_conformance.catalogue import Rule
from authz_conformance.selfcheck.bench import Done, Task, begin, carry_out
from authz_conformance.selfcheck.matrix import Finding, Matrix, Row
from authz_conformance.verdicts import Verdict

Listener = Callable[[Done], None]
RULES_FOR_A_STORY = 10


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What is to be tried.

    Attributes:
        rules: in the order of the catalogue.
        quirks: the rules that each says it breaks, by its name.
        stories: the rules that each story is about, by its id.
        sample: how many other rules are tried with each quirk, and for every ten of them one other story; None for all.
        seed: of the sample, and of every run.
        always: rules that belong to every sample of a quirk.
        processes: at a time.
        over_http: requests go over real connections.
    """

    rules: Sequence[Rule]
    quirks: Mapping[str, Sequence[str]]
    stories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sample: int | None = None
    seed: str = "1"
    always: Mapping[str, Sequence[str]] = field(default_factory=dict)
    processes: int = 2
    over_http: bool = False

    def tasks(self) -> list[Task]:
        """Give the tasks: the plain server first, in as many parts as there are processes; then each quirk."""
        ids, stories = [rule.id for rule in self.rules], list(self.stories)
        parts = [
            (ids[number :: self.processes], stories[number :: self.processes])
            for number in range(self.processes)
        ]
        plain = [self._task(None, *part) for part in parts if part[0]]
        return [*plain, *(self._of_quirk(quirk, ids, stories) for quirk in self.quirks)]

    def _of_quirk(self, quirk: str, ids: Sequence[str], stories: Sequence[str]) -> Task:
        if self.sample is None:
            return self._task(quirk, ids, stories)
        wanted = {*self.quirks[quirk], *self.always.get(quirk, ())}
        about = {story for story in stories if not wanted.isdisjoint(self.stories[story])}
        return self._task(
            quirk,
            self._with(quirk, ids, wanted, others=self.sample),
            self._with(quirk, stories, about, others=self.sample // RULES_FOR_A_STORY),
        )

    def _task(self, quirk: str | None, rules: Sequence[str], stories: Sequence[str]) -> Task:
        return Task(
            quirk=quirk,
            rules=tuple(rules),
            stories=tuple(stories),
            seed=self.seed,
            over_http=self.over_http,
        )

    def _with(self, quirk: str, ids: Sequence[str], wanted: set[str], *, others: int) -> list[str]:
        """Choose what is wanted, and draw others."""
        drawn = sorted(
            (one for one in ids if one not in wanted), key=lambda one: _drawn(self.seed, quirk, one)
        )
        chosen = {*wanted, *drawn[:others]}
        return [one for one in ids if one in chosen]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What came of a campaign.

    Attributes:
        is_whole: it was not broken off.
        seconds: of real time.
    """

    matrix: Matrix
    is_whole: bool
    seconds: float


def wage(campaign: Campaign, listener: Listener = lambda _: None) -> Ended:
    """Carry a campaign out. On Ctrl-C the workers end, and what was found so far is given.

    Raises:
        BrokenProcessPool: a worker died.
        AdapterError: our own plain server cannot even be examined.
    """
    began, done, is_whole = real_time.monotonic(), list[Done](), True
    with _workers(campaign) as pool:
        try:
            for one in _results(pool.submit(carry_out, task) for task in campaign.tasks()):
                done.append(one)
                listener(one)
        except KeyboardInterrupt:
            is_whole = False
    return Ended(matrix=_matrix(campaign, done), is_whole=is_whole, seconds=real_time.monotonic() - began)


@contextmanager
def _workers(campaign: Campaign) -> Iterator[ProcessPoolExecutor]:
    """Give fresh processes, that share no thread and no connection with this one; none of them outlives the block."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        campaign.processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=partial(begin, over_http=campaign.over_http),
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
            worker.join()


def _results(futures: Iterable[Future[Done]]) -> Iterator[Done]:
    for future in as_completed(list(futures)):
        yield future.result()


def _drawn(*parts: str) -> bytes:
    """Give a rule its place in a draw: the same for the same seed, whichever other rules there are."""
    return sha256(" ".join(parts).encode()).digest()


def _matrix(campaign: Campaign, done: Iterable[Done]) -> Matrix:
    ended = list(done)
    found = {one.task.quirk: _ordered(one.findings, campaign.rules) for one in ended if one.task.quirk}
    plain = [finding for one in ended if one.task.quirk is None for finding in one.findings]
    return Matrix(
        rules=campaign.rules,
        plain=_ordered(plain, campaign.rules),
        rows=[
            Row(quirk=quirk, declared=rules, findings=found[quirk])
            for quirk, rules in campaign.quirks.items()
            if quirk in found
        ],
    )


def _ordered(findings: Iterable[Finding], rules: Iterable[Rule]) -> dict[str, Finding]:
    by_rule: dict[str, Finding] = {}
    for finding in findings:  # a rule may have two: of its own test, and of a story in another task
        if finding.rule not in by_rule or by_rule[finding.rule].verdict is Verdict.PASSED:
            by_rule[finding.rule] = finding
    return {rule.id: by_rule[rule.id] for rule in rules if rule.id in by_rule}
