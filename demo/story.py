"""`make demo`: the whole story of a license, told in virtual time by the real client against the real server.

Then both web pages stay open for trying, until Ctrl-C; with `--exit`, or without a terminal, it ends by itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import httpx2

from authz_client.driver import Client
from authz_client.status import PageStatus
from demo import stage
from demo.stage import STORY, Administrator, Line, VirtualTime
from mock_authz.instants import add_duration

DEVICE: Final = "store-12"
HOUR: Final = 3600
DAY: Final = 24 * HOUR


@dataclass
class Story:
    """One POS server, its administrator, its line, and the time that passes."""

    client: Client
    administrator: Administrator
    line: Line
    time: VirtualTime
    chapter: int = 0

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.chapter += 1
        click.echo()
        click.secho(f"{self.chapter}. {text}", bold=True)

    def say(self, who: str, text: str, *, colour: str | None = None) -> None:
        """Tell what happens, with the virtual time."""
        at = datetime.fromtimestamp(self.time.now(), tz=UTC).strftime("%Y-%m-%d %H:%M")
        click.echo(
            f"  {click.style(at, dim=True)}  {click.style(f'{who:14}', fg='cyan')} {click.style(text, fg=colour)}"
        )

    def status(self) -> PageStatus:
        """Show what the License Management page shows now."""
        status = self.client.status()
        colour = {"licensed": "green", "requires_renewal": "yellow"}.get(status.license_status.value, "red")
        why = f" ({status.reason})" if status.reason else ""
        self.say("POS server", f"License Status: {status.label}{why}", colour=colour)
        for notice in status.warnings:
            self.say("", f"! {notice.text}", colour="yellow")
        return status

    def keep_until(self, at: float, *, tell: bool = True) -> None:
        """Let time pass hour by hour; the client does what is due, as `authz-client run` would."""
        before = self.client.status().token_expires_at
        while self.time.now() < at:
            self.client.tick()
            after = self.client.status().token_expires_at
            if after != before and after is not None and tell:
                expiry = datetime.fromtimestamp(after, tz=UTC).strftime("%Y-%m-%d %H:%M")
                self.say("POS server", f"refreshed by itself; the new license token expires {expiry}")
            before = after
            self.time.travel(min(HOUR, at - self.time.now() + 1))

    def days(self, count: float) -> None:
        """Let days pass."""
        self.keep_until(self.time.now() + count * DAY)


def acquire(story: Story) -> None:
    """Part a of the user guide."""
    story.title("Acquiring a license")
    _acquire(story)


def _acquire(story: Story) -> None:
    story.say("POS server", "Next: asks the Authorization server for a User Code")
    story.client.acquire()
    code = story.client.status().user_code
    if code is None:
        raise SystemExit("no user code")
    story.say(
        "POS server",
        f"User Code {click.style(code.user_code, bold=True)}, to be entered at {code.verification_uri}",
    )
    story.say(
        "POS server", f"Complete Authorization, too early: {story.client.complete(wait=False).kind.value}"
    )
    if refused := story.administrator.authorize(code.user_code, device=DEVICE):
        story.say("Administrator", f"Authorize is refused: {refused}", colour="red")
        story.administrator.renew(DEVICE, renewal_at=add_duration(int(story.time.now()), "P1Y"))
        story.say("Administrator", "sets a new License Renewal Date, a year from now")
        story.administrator.authorize(code.user_code, device=DEVICE)
    story.say("Administrator", f"Authorize Device: {DEVICE} for {code.user_code}")
    story.time.travel(10)
    story.client.complete()
    for label, value in story.status().rows():
        click.echo(f"{'':20}{label:22} {value or '-'}")


def seven_days(story: Story) -> None:
    """License tokens live for days and are refreshed at half of their life."""
    story.title("Seven days with an internet connection")
    story.days(7)
    story.status()


def renewal(story: Story) -> None:
    """The license has a renewal date of its own."""
    story.title("The renewal date comes near")
    due_from = story.client.status().renewal_due_from
    if due_from is None:
        raise SystemExit("no renewal date")
    story.keep_until(due_from)
    story.status()
    story.administrator.renew(DEVICE, renewal_at=int(story.time.now()) + 90 * DAY)
    story.say("Administrator", "renews the license for 90 days; the next refresh carries it")
    story.days(4)
    story.status()


def offline(story: Story) -> None:
    """A permanent connection is not required."""
    story.title("The line is cut, for longer than a license token lives")
    story.line.is_up = False
    story.say("Internet", "is gone", colour="red")
    story.days(6)
    story.status()
    story.days(3)
    story.status()
    story.line.is_up = True
    story.say("Internet", "is back", colour="green")
    story.days(0.1)
    story.status()


def lapse(story: Story) -> None:
    """Nobody renews in time."""
    story.title("Nobody renews: the license lapses")
    renewal_at = story.client.status().renewal_at
    if renewal_at is None:
        raise SystemExit("no renewal date")
    story.say("POS server", "goes on refreshing for two months ...")
    story.keep_until(renewal_at - DAY, tell=False)
    story.status()
    story.keep_until(renewal_at + 2 * HOUR, tell=False)
    story.status()


def remove(story: Story) -> None:
    """It must be removed and acquired anew; the Server ID survives."""
    story.title("Remove License, and acquire it again")
    before = story.client.status().server_id
    story.say("POS server", f"Remove License: {story.client.remove().kind.value}")
    _acquire(story)
    same = before == story.client.status().server_id
    story.say("POS server", f"the Server ID is {'the same as before' if same else 'another one'}: {before}")


CHAPTERS: Final = (acquire, seven_days, renewal, offline, lapse, remove)


@contextlib.contextmanager
def _story(start: dict[str, Any], folder: Path) -> Iterator[Story]:
    """Set the stage: a sandbox of its own, so that the pages stay in the present."""
    with httpx2.Client(base_url=start["base_url"]) as control:
        made = (
            control.post("/_control/sandboxes", json={"name": STORY, "seed": "demo"})
            .raise_for_status()
            .json()
        )
        time = VirtualTime(control)
        line = Line(time)
        bearer = {"authorization": f"Bearer {made['management_token']}"}
        with (
            httpx2.Client(base_url=made["issuer"], headers=bearer) as http,
            Client(
                issuer=made["issuer"],
                client_id="pos-server",
                state=folder / "story.json",
                clocks=time.clocks(),
                sleep=time.travel,
                transport=line,
            ) as client,
        ):
            yield Story(client, Administrator(http, time), line, time)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port", default=8628, show_default=True, help="Port of the Authorization server; 0 takes a free one."
)
@click.option("--page-port", default=8629, show_default=True, help="Port of the License Management page.")
@click.option("--exit", "ends", is_flag=True, help="End after the story, also in a terminal.")
@click.pass_context
def main(context: click.Context, *, port: int, page_port: int, ends: bool) -> None:
    """Play the whole story of a license in virtual time, then leave both pages open for trying."""
    context.color = False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
    with tempfile.TemporaryDirectory(prefix="mock-authz-demo-") as folder, stage.server(port) as start:
        click.secho(
            "A POS server and its license, in virtual time (a mock: no real server takes part)", bold=True
        )
        click.echo(f"Authorization server: {start['issuer']}, sandbox {STORY}")
        with _story(start, Path(folder)) as story:
            for chapter in CHAPTERS:
                chapter(story)
        click.echo()
        if ends or not sys.stdout.isatty():
            click.secho("The end.", bold=True)
            return
        with stage.pos_page(page_port, issuer=start["issuer"], state=str(Path(folder) / "page.json")):
            _leave_open(start, page_port)


def _leave_open(start: dict[str, Any], page_port: int) -> None:
    click.secho("Now it is your turn, in the present. Two tabs:", bold=True)
    click.echo(f"  Authorization server   {start['issuer']}/login    admin / demo")
    click.echo(f"  License Management     http://127.0.0.1:{page_port}")
    click.echo("Ctrl-C stops both.")
    with contextlib.suppress(KeyboardInterrupt):
        import signal  # noqa: PLC0415 - only an interactive run waits

        signal.pause()
    click.echo()


if __name__ == "__main__":
    main()
