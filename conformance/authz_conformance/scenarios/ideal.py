"""A server that answers as the oracle predicts, to the letter: what stories are measured on before any server."""

from __future__ import annotations

from authz_conformance import model
from authz_conformance.model import Answer, Outcome, State, observe, predict
from authz_conformance.scenarios.stage import Seen


class IdealServer:
    """The model, made to answer. Its time stands still but for `move`."""

    def __init__(self, state: State, *, now: int) -> None:
        self.state = state
        self.now = now
        self._answers = 0

    def move(self, instant: int, /, *, back: bool) -> int:
        """Move its clock."""
        del back
        self.now = instant
        return self.now

    def ask(self, step: model.Step, /) -> Seen:
        """Answer as the letter of the law has it."""
        self._answers += 1
        answer = self.answer(self.choose(step))
        self.state = observe(self.state, step, answer, now=self.now)
        return Seen(answer=answer, now=self.now)

    def choose(self, step: model.Step) -> Outcome:
        """Choose among the outcomes."""
        return predict(self.state, step, now=self.now).outcomes[0]

    def answer(self, outcome: Outcome) -> Answer:
        """Make an answer, with strings unlike all others."""
        return outcome.example(serial=f"{self._answers}.")
