"""Text that a server sent, in a page. Escaping is the template's."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from authz_conformance.unseen import visible


def finalized(value: Any) -> Any:
    """Make visible what cannot be seen in whatever a template prints; markup of our own stays."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
