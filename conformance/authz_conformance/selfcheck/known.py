"""`known.yaml`: what the self-check finds and we know of, each with its reason. Reads it; judges nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import yaml

FILE = Path(__file__).with_name("known.yaml")


class KnownError(Exception):
    """The file cannot be used. Says why."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str

    def __post_init__(self) -> None:
        """Insist on a reason."""
        if not self.reason.strip():
            raise ValueError("the reason is empty")


class Disagreement(_Entry, frozen=True):
    """What a quirk declares and what was found differ."""

    quirk: str
    survived: tuple[str, ...] = ()
    collateral: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules that it is about."""
        return (*self.survived, *self.collateral, *self.errors)


class Gap(_Entry, frozen=True):
    """A MUST that no quirk kills."""

    rule: str


class Alike(_Entry, frozen=True):
    """Rules that are equivalent on our server: whatever breaks one breaks the others."""

    rules: tuple[str, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    disagreements: tuple[Disagreement, ...] = ()
    gaps: tuple[Gap, ...] = ()
    equivalent: tuple[Alike, ...] = ()

    def of(self, quirk: str) -> Disagreement | None:
        """Give what is known of a quirk."""
        return next((one for one in self.disagreements if one.quirk == quirk), None)

    def problems(self, *, rules: Collection[str], quirks: Collection[str]) -> Iterator[str]:
        """Say what the file names that does not exist, or names twice."""
        named = [rule for known in self.disagreements for rule in known.rules]
        named += [rule for group in self.equivalent for rule in group.rules]
        named += [gap.rule for gap in self.gaps]
        for rule in dict.fromkeys(named):
            if rule not in rules:
                yield f"known.yaml: there is no rule {rule}"
        listed = [one.quirk for one in self.disagreements]
        for quirk in dict.fromkeys(listed):
            if quirk not in quirks:
                yield f"known.yaml: there is no quirk {quirk}"
            if listed.count(quirk) > 1:
                yield f"known.yaml: the quirk {quirk} is listed twice"


def read_known(path: Path = FILE) -> Known:
    """Read the file.

    Raises:
        KnownError: it cannot be read, or says something that it may not say.
    """
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")) or {}, Known)
    except OSError as error:
        raise KnownError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise KnownError(f"{path}: {error}") from error
