"""Where the state file is unless told otherwise, and whose it is.

Owns the platform's conventions. It changes nothing but a missing directory of its own.
"""

import json
import os
import sys
from pathlib import Path

_DIRECTORY = "authz-client"
_FILE = "license.json"


def default_state_file() -> Path:
    """Give the state file in the user's state directory (XDG_STATE_HOME, or Application Support on macOS)."""
    configured = os.environ.get("XDG_STATE_HOME", "")
    # XDG Base Directory Specification: a relative path is to be ignored.
    if Path(configured).is_absolute():
        return Path(configured) / _DIRECTORY / _FILE
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _DIRECTORY / _FILE
    return Path.home() / ".local" / "state" / _DIRECTORY / _FILE


def make_home(state: Path) -> None:
    """Create the default state file's directory, for its owner alone; other directories are their owner's business.

    Raises:
        OSError: It cannot be created.
    """
    if state == default_state_file():
        state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def owner(state: Path) -> tuple[str, str] | None:
    """Say whose state file this is.

    Returns:
        Its issuer and client_id, so that they need not be given again; None for no or an unreadable file.
    """
    try:
        document = json.loads(state.read_bytes())
        stored = document["state"]
        issuer, client_id = stored["issuer"], stored["client_id"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (issuer, client_id) if isinstance(issuer, str) and isinstance(client_id, str) else None
