"""The test bench page: choose a sandbox, see it, move its time, break it. Rendered here, kept up to date by one script.

`router` answers, `door` lets in, `views` gathers, `picture` draws the timeline on `axis`, `actions` carries forms out,
`words` says it.
"""

from __future__ import annotations

from mock_authz.web.bench_page.door import Guard
from mock_authz.web.bench_page.router import PREFIX, answer

__all__ = ["PREFIX", "Guard", "answer"]
