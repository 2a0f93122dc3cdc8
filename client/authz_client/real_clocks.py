"""The client's outside: its clocks, its sleep and its entropy.

Owns the only place, with `driver`, where the client touches any of them. It needs no HTTP library, so that a command
which sends nothing starts at once.
"""

import random  # noqa: TID251 - the place
import time
from typing import Final

from authz_client.flows import Clocks

#: Here, and nowhere else, the client reads its clocks and draws entropy.
REAL_CLOCKS: Final = Clocks(
    clock=time.time,  # noqa: TID251 - the place
    monotonic=time.monotonic,  # noqa: TID251 - the place
    jitter=random.SystemRandom().random,
)
#: For who shows something while it waits.
real_sleep: Final = time.sleep  # noqa: TID251 - the place


def fresh_secret() -> str:
    """Draw 256 bits that nobody can guess, as text."""
    return f"{random.SystemRandom().getrandbits(256):064x}"
