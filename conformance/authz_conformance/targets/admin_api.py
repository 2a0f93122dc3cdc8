"""JSON over HTTP to an API that is no part of what is judged: control or management. Refusals are adapter errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from authz_conformance.verdicts import AdapterError


class ApiRefusalError(AdapterError):
    """The API answered with an error.

    Attributes:
        status: of HTTP.
        headers: of the answer; names in small letters.
        problem: its body, if it is a JSON object (RFC 9457).
    """

    def __init__(self, what: str, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.problem = _object(response)
        detail = self.problem.get("detail") or response.text[:200]
        super().__init__(" ".join([f"{what}: {self.status} {detail}", *_errors(self.problem)]))


class AdminApi:
    """One API below a URL.

    Args:
        client: Of the run.
        url: Without a slash at the end.
        bearer: Its token, if it asks for one.
    """

    def __init__(self, client: httpx2.Client, url: str, *, bearer: str | None = None) -> None:
        self._client, self._url, self._bearer = client, url, bearer

    def below(self, *parts: str) -> AdminApi:
        """Give the same API further down."""
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        return AdminApi(self._client, self._url + path, bearer=self._bearer)

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
        headers = {} if self._bearer is None else {"authorization": f"Bearer {self._bearer}"}
        try:
            response = self._client.request(method, self._url + path, json=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise AdapterError(f"{what}: no answer: {str(error) or type(error).__name__}") from error
        if not response.is_success:
            raise ApiRefusalError(what, response)
        try:
            return response.json() if response.content else None
        except ValueError as error:
            raise AdapterError(f"{what}: the answer is no JSON") from error


def _errors(problem: Mapping[str, Any]) -> list[str]:
    """Give what was wrong with each member, where a problem says so (RFC 9457 3.2)."""
    listed = problem.get("errors")
    errors = listed if isinstance(listed, list) else []
    return [str(error["detail"]) for error in errors if isinstance(error, dict) and "detail" in error]


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
