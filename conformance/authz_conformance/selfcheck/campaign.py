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

Listener = Callable[[Done], None]


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What is to be tried.

    Attributes:
        rules: in the order of the catalogue.
        quirks: the rules that each says it breaks, by its name.
        sample: how many other rules are tried with each quirk; None for all.
        seed: of the sample, and of every run.
        always: rules that belong to every sample of a quirk.
        processes: at a time.
        over_http: requests go over real connections.
    """

    rules: Sequence[Rule]
    quirks: Mapping[str, Sequence[str]]
    sample: int | None = None
    seed: str = "1"
    always: Mapping[str, Sequence[str]] = field(default_factory=dict)
    processes: int = 2
    over_http: bool = False

    def tasks(self) -> list[Task]:
        """Give the tasks: the plain server first, in as many parts as there are processes; then each quirk."""
        ids = [rule.id for rule in self.rules]
        parts = [ids[number :: self.processes] for number in range(self.processes)]
        plain = [self._task(None, part) for part in parts if part]
        return [*plain, *(self._task(quirk, self._with(quirk, ids)) for quirk in self.quirks)]

    def _task(self, quirk: str | None, rules: Sequence[str]) -> Task:
        return Task(quirk=quirk, rules=tuple(rules), seed=self.seed, over_http=self.over_http)

    def _with(self, quirk: str, ids: Sequence[str]) -> list[str]:
        if self.sample is None:
            return list(ids)
        wanted = {*self.quirks[quirk], *self.always.get(quirk, ())}
        others = [rule for rule in ids if rule not in wanted]
        wanted.update(sorted(others, key=lambda rule: _drawn(self.seed, quirk, rule))[: self.sample])
        return [rule for rule in ids if rule in wanted]


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
    by_rule = {finding.rule: finding for finding in findings}
    return {rule.id: by_rule[rule.id] for rule in rules if rule.id in by_rule}
