"""The command `self-check`. What it does is imported when it runs: help and completion need no server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from authz_conformance.exit_codes import EXIT_CODES_HELP


@click.command("self-check", epilog=EXIT_CODES_HELP)
@click.option("--quirk", "quirks", multiple=True, metavar="NAME", help="Only this quirk; may be repeated.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="N",
    help="Try with each quirk only the rules that it declares, and N others.",
)
@click.option("--seed", default="1", show_default=True, help="Repeat what is drawn.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes at a time."
)
@click.option(
    "--over-http", is_flag=True, help="Over real connections, and not by calls: the same, but slower."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; all else goes to standard error.")
@click.option(
    "--report-dir", type=click.Path(path_type=Path, file_okay=False), help="Write the reports there."
)
def self_check(
    *,
    quirks: Sequence[str],
    sample: int | None,
    seed: str,
    jobs: int,
    over_http: bool,
    as_json: bool,
    report_dir: Path | None,
) -> None:
    """Show that the tests of the rules have teeth: try them on our own server, plain and with each of its quirks.

    On the plain server all must pass; with a quirk, exactly the rules fail that it declares.
    """
    from authz_conformance.selfcheck.command import check  # noqa: PLC0415 - help is quick

    check(
        quirks=quirks,
        sample=sample,
        seed=seed,
        processes=jobs,
        over_http=over_http,
        as_json=as_json,
        report_dir=report_dir,
    )
