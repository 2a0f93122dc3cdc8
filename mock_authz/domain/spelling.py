"""How identities, names and addresses are spelt: the patterns of openapi.yaml, once for seed files and bodies.

Each is to be matched against the whole text (`re.fullmatch`).
"""

from __future__ import annotations

from typing import Final

IDENTIFIER: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
USERNAME: Final = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}"
NAME: Final = r"[^\x00-\x20\x7F]([^\x00-\x1F\x7F]*[^\x00-\x20\x7F])?"
SERVER_URL: Final = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-~]*)?"
FEATURE: Final = r"[a-z0-9][a-z0-9_-]{0,31}"

LONGEST_IDENTIFIER: Final = 64
LONGEST_NAME: Final = 200
LONGEST_URL: Final = 2048
LONGEST_PASSWORD: Final = 1024
MOST_FEATURES: Final = 64
