from __future__ import annotations

from hypothesis import settings

# Two cores shared with others: an example that takes long says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
