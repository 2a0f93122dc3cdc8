"""The command `authz-client`. Owns its commands, what they print, and their exit codes; decides nothing of the protocol.

It never shows a device_code, refresh token or license token.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NoReturn

import click

from authz_client import exit_codes
from authz_client.exit_codes import ExitCode
from authz_client.given import CONSOLE, Given, is_json_wanted, shared_options
from authz_client.outcome import Kind, Outcome
from authz_client.reasons import in_words
from authz_client.state import Phase
from authz_client.state_store import DamagedStateError, StoreError
from authz_client.status import LicenseStatus, PageStatus, UserCode, shown_instant
from authz_client.terminal import (
    Console,
    Countdown,
    Reachability,
    can_redraw,
    can_show_blocks,
    is_colourful,
    qr_lines,
)
from authz_client.wire import InsecureIssuerError
from authz_client.wording import TITLES, sentence

#: Under this name the group keeps the words of the command line.
_WORDS: Final = "authz_client.words"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_EPILOG: Final = "\b\nExit codes:\n" + exit_codes.table()
_CONTEXT: Final = {"help_option_names": ["-h", "--help"]}
_ACQUIRE: Final = "Get a license with: authz-client acquire --wait"
_WHEN_AUTHORIZED: Final = "When the device is authorized: authz-client complete"
_STOPPED: Final = "Stopped waiting; the user code stays good. To go on: authz-client complete"
_ADVICE: Final = {
    Kind.AUTHORIZATION_PENDING: "Authorize the device at the Authorization server, then: authz-client complete",
    Kind.ENDED: "Remove it and get another: authz-client remove, then authz-client acquire --wait",
    Kind.FAILED: "What is wrong, and what to do: authz-client doctor",
    Kind.LICENSE_TOKEN_PENDING: "What is wrong, and what to do: authz-client doctor",
    Kind.NOT_AWAITING: _ACQUIRE,
    Kind.NOT_LICENSED: _ACQUIRE,
    Kind.REFUSED: "Begin again with: authz-client acquire --wait",
    Kind.REMOVE_FIRST: "authz-client remove, then authz-client acquire --wait",
    Kind.REVOCATION_PENDING: "Tell the Authorization server later with: authz-client remove (`run` does so by itself)",
}
_COMPLETION_HELP: Final = """Print the completion script of a shell.

\b
bash:  eval "$(authz-client completion bash)"
zsh:   eval "$(authz-client completion zsh)"
fish:  authz-client completion fish | source
"""


class _Commands(click.Group):
    """Turns what can be expected to go wrong into a message, a piece of advice and an exit code."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        words = list(args)
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            self._misused(error, words)
        context.meta[_WORDS] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            self._console(ctx).say()
            ctx.exit(ExitCode.INTERRUPTED)
        except click.UsageError as error:
            self._misused(error, ctx.meta[_WORDS], command=ctx.invoked_subcommand)
        except InsecureIssuerError as error:
            self._end(
                ctx,
                ExitCode.USAGE,
                f"--issuer: {error}",
                hint="For another development host: --insecure-host HOST",
            )
        except StoreError as error:
            self._end(ctx, ExitCode.STATE_FILE, str(error), hint=error.advice)

    def _misused(
        self, error: click.UsageError, words: Sequence[str], *, command: str | None = None
    ) -> NoReturn:
        """Say what is wrong with the command line, in one line rather than with the whole usage."""
        if error.ctx is not None and error.ctx.parent is not None:
            command = error.ctx.info_name
        hint = f"All options: {' '.join(filter(None, ('authz-client', command, '--help')))}"
        # What may be wrong is the very option that asks for JSON: the words are looked at, as they are.
        Console(as_json=is_json_wanted(words)).fail(
            error.format_message(), hint=hint, error=ExitCode.USAGE.name.lower()
        )
        sys.exit(ExitCode.USAGE)

    def _end(self, ctx: click.Context, code: ExitCode, message: str, *, hint: str) -> NoReturn:
        self._console(ctx).fail(message, hint=hint, error=code.name.lower())
        ctx.exit(code)

    def _console(self, ctx: click.Context) -> Console:
        console = ctx.meta.get(CONSOLE)
        return console if isinstance(console, Console) else Console()


@click.group(cls=_Commands, context_settings=_CONTEXT, epilog=_EPILOG)
@click.version_option(package_name="mock-authz", prog_name="authz-client")
def cli() -> None:
    """Acquire, keep, check and remove a POS server's license.

    The same things can be done in a browser: authz-client page. Options can be given as environment variables too:
    AUTHZ_ISSUER, AUTHZ_CLIENT_ID, AUTHZ_STATE, AUTHZ_INSECURE_HOST, AUTHZ_CA, AUTHZ_JSON.
    """


def _command(name: str, *, needs_issuer: bool = True) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command with the shared options and the exit codes in its help."""

    def declare(function: Callable[..., None]) -> click.Command:
        return cli.command(name, epilog=_EPILOG, context_settings=_CONTEXT)(
            shared_options(function, needs_issuer=needs_issuer)
        )

    return declare


@_command("acquire")
@click.option("--wait", is_flag=True, help="Wait for the authorization, polling; else `complete` does so.")
@click.option("--new", "start_over", is_flag=True, help="Ask for a new user code although one is still good.")
@click.option("--qr/--no-qr", "is_qr_wanted", default=None, help="Show a QR code. Default: in a terminal.")
def acquire(given: Given, *, wait: bool, start_over: bool, is_qr_wanted: bool | None) -> None:
    """Ask for a user code, and show it for the administrator to authorize."""
    with given.client() as client:
        outcome = client.acquire(start_over=start_over)
        status = client.status()
    if outcome.kind is not Kind.USER_CODE_SHOWN or status.user_code is None:
        _finish(given, outcome, status)
    _show_user_code(given.console, status.user_code, status, is_qr_wanted=is_qr_wanted)
    if wait:
        _complete(given, wait=True)
    given.console.say(given.console.advice(_WHEN_AUTHORIZED))


@_command("complete")
@click.option("--wait/--no-wait", default=True, help="Poll until there is an answer (default), or once.")
def complete(given: Given, *, wait: bool) -> None:
    """Complete the authorization: poll at once, then at the interval, until there is a final answer."""
    _complete(given, wait=wait)


@_command("status", needs_issuer=False)
def status(given: Given) -> None:
    """Show the license as the License Management page does. Needs no connection."""
    shown = given.reader().status()
    given.console.tell(**shown.to_json())
    _show_status(given.console, shown)
    sys.exit(_code_of_status(shown))


@_command("refresh")
def refresh(given: Given) -> None:
    """Get a fresh license token now, at most once a minute."""
    with given.client() as client:
        outcome = client.refresh()
        _finish(given, outcome, client.status())


@_command("remove")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def remove(given: Given, *, yes: bool) -> None:
    """Remove the license from this server, at once and without a connection, and tell the Authorization server."""
    if not yes and (given.console.as_json or not _is_somebody_there()):
        raise click.UsageError("There is nobody to confirm the removal: give --yes.")
    question = "Remove the license? Until another is acquired this server is not licensed"
    if not yes and not click.confirm(question):
        given.console.say("Nothing has been removed.")
        sys.exit(ExitCode.INTERRUPTED)
    with given.client() as client:
        outcome = client.remove()
        _finish(given, outcome, client.status())


@_command("run")
def run(given: Given) -> None:
    """Keep the license until Ctrl-C: refresh it in time, retry what failed, and say what happens."""
    from authz_client.running import Happening, keep  # noqa: PLC0415 - brings HTTP along

    console = given.console

    def report(happening: Happening) -> None:
        console.say(console.advice(happening.line()))
        console.tell(**happening.to_json())

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.OK))
    with given.client() as client:
        _check_state(given)
        keep(client, report=report, sleep=given.outside.sleep)


@_command("page")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8629, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--allow-remote", is_flag=True, help="Listen off loopback. The page has no login of its own!")
@click.option(
    "--allowed-host", "allowed_hosts", metavar="HOST", multiple=True, help="Answer to this Host too."
)
def page(given: Given, *, host: str, port: int, allow_remote: bool, allowed_hosts: tuple[str, ...]) -> None:
    """Serve the License Management page, and keep the license meanwhile."""
    from authz_client.page.serving import listen, serve  # noqa: PLC0415 - brings the web server along

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.OK))
    _check_state(given)
    given.trust()  # what is wrong with --ca is told before the port is taken
    listening = listen(host, port, allow_remote=allow_remote)
    serve(given, listening, host=host, allowed_hosts=allowed_hosts)


@_command("doctor")
def doctor(given: Given) -> None:
    """Check what a license needs, and say what is wrong and what to do. Changes nothing about the license."""
    from authz_client.doctor import Verdict, examine  # noqa: PLC0415 - brings HTTP along

    colours = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}
    code, counts = ExitCode.OK, dict.fromkeys(Verdict, 0)
    for found in examine(given):
        given.console.tell(**replace(found, advice=given.console.advice(found.advice)).to_json())
        given.console.check(
            found.verdict.value, found.name, found.finding, advice=found.advice, colour=colours[found.verdict]
        )
        counts[found.verdict] += 1
        if found.verdict is Verdict.FAIL and code is ExitCode.OK:
            code = found.exit_code
    given.console.say()
    given.console.say(
        f"{counts[Verdict.FAIL]} failed, {counts[Verdict.WARN]} warned, {counts[Verdict.OK]} ok."
    )
    sys.exit(code)


@cli.command("completion", context_settings=_CONTEXT, help=_COMPLETION_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:  # noqa: D103 - its help stands above
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only this command needs it

    completer = get_completion_class(shell)
    if completer is not None:
        click.echo(completer(cli, {}, "authz-client", "_AUTHZ_CLIENT_COMPLETE").source())


def _is_somebody_there() -> bool:
    return sys.stdin.isatty()


def _complete(given: Given, *, wait: bool) -> NoReturn:
    is_live = wait and can_redraw() and not given.console.as_json
    waiting = Countdown(given.outside.clocks, given.outside.sleep, is_live=is_live)
    with given.client(sleep=waiting.sleep) as client:
        code = client.status().user_code
        if code is not None:
            waiting.left = lambda: code.expires_at - given.outside.clocks.clock()
            if wait:
                client.on_polled = Reachability(shown_instant(code.expires_at), waiting.clear).polled
            if wait and not is_live:
                given.console.say(f"Waiting for authorization until {shown_instant(code.expires_at)}.")
        try:
            outcome = client.complete(wait=wait)
        except KeyboardInterrupt:
            waiting.clear()
            given.console.say(given.console.advice(_STOPPED))
            sys.exit(ExitCode.INTERRUPTED)
        _finish(given, outcome, client.status())


def _finish(given: Given, outcome: Outcome, status: PageStatus) -> NoReturn:
    """Report an outcome, and end with its exit code."""
    code = exit_codes.of_outcome(outcome)
    given.console.tell(**outcome.to_json(), message=sentence(outcome))
    given.console.say(sentence(outcome), bold=True, fg="green" if code is ExitCode.OK else "yellow")
    if advice := _ADVICE.get(outcome.kind):
        given.console.say(given.console.advice(advice))
    if outcome.kind in {Kind.LICENSED, Kind.REFRESHED, Kind.ALREADY_LICENSED, Kind.ENDED}:
        given.console.say()
        _show_status(given.console, status)
    sys.exit(code)


def _show_user_code(
    console: Console, code: UserCode, status: PageStatus, *, is_qr_wanted: bool | None
) -> None:
    console.tell(
        outcome=Kind.USER_CODE_SHOWN.value,
        user_code=code.user_code,
        verification_uri=code.verification_uri,
        verification_uri_complete=code.verification_uri_complete,
        expires_at=code.expires_at,
        expires_in=max(0, code.expires_at - status.effective_time),
    )
    console.say("Log in to the Authorization server, choose Authorize Device, and enter the User Code.")
    console.say()
    console.rows(
        (
            ("Authorize Device", code.verification_uri),
            ("User Code", click.style(code.user_code, bold=True)),
            ("Good until", shown_instant(code.expires_at)),
        )
    )
    console.say()
    is_shown = can_show_blocks() if is_qr_wanted is None else is_qr_wanted
    if is_shown and not console.as_json:
        for line in qr_lines(
            code.verification_uri_complete or code.verification_uri, is_coloured=is_colourful()
        ):
            console.say(f"  {line}")
        console.say()


def _show_status(console: Console, status: PageStatus) -> None:
    if status.license_status is LicenseStatus.UNLICENSED:
        _show_unlicensed(console, status)
    else:
        console.rows(status.rows())
    for warning in status.warnings:
        console.say(f"{TITLES[warning.kind]}: {warning.text}", fg="yellow")


def _show_unlicensed(console: Console, status: PageStatus) -> None:
    code = status.user_code
    if status.phase is Phase.AWAITING and code is not None and not code.is_expired:
        _show_user_code(console, code, status, is_qr_wanted=False)
        console.say(console.advice(_WHEN_AUTHORIZED))
        return
    console.say("This server is not licensed.", bold=True)
    if status.refusal is not None:
        console.say(f"The last try was refused: {in_words(status.refusal.reason)}.", fg="yellow")
    console.say(console.advice(_ACQUIRE))


def _code_of_status(status: PageStatus) -> ExitCode:
    return {
        LicenseStatus.UNLICENSED: ExitCode.NOT_LICENSED,
        LicenseStatus.EXPIRED_REQUIRES_RENEWAL: ExitCode.REFUSED,
    }.get(status.license_status, ExitCode.OK)


def _check_state(given: Given) -> None:
    """Find out before anything is kept that the state file can be used; a damaged one is told of, and left behind."""
    try:
        given.reader().status()
    except DamagedStateError as error:
        given.console.fail(str(error), hint=error.advice, error=ExitCode.STATE_FILE.name.lower())


def _unwritable(error: OSError) -> int:
    """Say in one line that what was to be printed cannot be written, as on a full disk; give the exit code."""
    if error.errno not in _FULL or error.filename is not None:
        raise error
    # What is still buffered would be tried once more at the end of the process.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        click.echo(f"authz-client: cannot write: {error.strerror}", err=True)
    return ExitCode.CANNOT_WRITE


def main() -> None:
    """Run the command."""
    try:
        cli()
    except OSError as error:
        sys.exit(_unwritable(error))


if __name__ == "__main__":
    main()
