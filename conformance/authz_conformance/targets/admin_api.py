"""JSON over HTTP to an API that is no part of what is judged: control or management. Refusals are adapter errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from authz_conformance.verdicts import AdapterError
from authz_conformance.wire import Answer, Connection

# A list of thousands of sandboxes is longer than any answer that is judged.
LARGEST_ANSWER = 64 * 1_048_576
SUCCESS = 2  # the class of a status (RFC 9110 15)


class ApiRefusalError(AdapterError):
    """The API answered with an error.

    Attributes:
        status: of HTTP.
        headers: of the answer; names in small letters.
        problem: its body, if it is a JSON object (RFC 9457).
    """

    def __init__(self, what: str, status: int, answer: Answer) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in answer.headers}
        self.problem = _object(answer)
        detail = self.problem.get("detail") or answer.content.decode(errors="replace")[:200]
        super().__init__(" ".join([f"{what}: {self.status} {detail}", *_errors(self.problem)]))


class AdminApi:
    """One API below a URL.

    Args:
        connection: Of the run.
        url: Without a slash at the end.
        bearer: Its token, if it asks for one.
    """

    def __init__(self, connection: Connection, url: str, *, bearer: str | None = None) -> None:
        self._connection, self._url, self._bearer = connection, url, bearer

    def below(self, *parts: str) -> AdminApi:
        """Give the same API further down."""
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        return AdminApi(self._connection, self._url + path, bearer=self._bearer)

    def get(self, path: str = "") -> Any:
        """Send a GET and give the JSON of its answer."""
        return self._send("GET", path, None)

    def post(self, path: str = "", body: Mapping[str, Any] | None = None) -> Any:
        """Send a POST."""
        return self._send("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PUT."""
        return self._send("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PATCH."""
        return self._send("PATCH", path, body)

    def delete(self, path: str = "") -> None:
        """Send a DELETE."""
        self._send("DELETE", path, None)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        what = f"{method} {self._url}{path}"
        headers = [] if self._bearer is None else [("authorization", f"Bearer {self._bearer}")]
        if body is not None:
            headers.append(("content-type", "application/json"))
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._connection.ask(method, self._url + path, headers, content, body_bytes=LARGEST_ANSWER)
        if answer.status is None:
            raise AdapterError(f"{what}: {answer.failure}")
        if answer.status // 100 != SUCCESS:
            raise ApiRefusalError(what, answer.status, answer)
        try:
            return json.loads(answer.content) if answer.content else None
        except ValueError as error:
            raise AdapterError(f"{what}: the answer is no JSON") from error


def _errors(problem: Mapping[str, Any]) -> list[str]:
    """Give what was wrong with each member, where a problem says so (RFC 9457 3.2)."""
    listed = problem.get("errors")
    errors = listed if isinstance(listed, list) else []
    return [str(error["detail"]) for error in errors if isinstance(error, dict) and "detail" in error]


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
