"""HTTP to a server's control and management APIs: JSON there, JSON back, a refusal as an exception that says all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any, Final

import httpx2

SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
NOT_OURS: Final = "The answer is not that of a mock-authz server."


class ControlError(Exception):
    """The server refused a request to its control or management API.

    Attributes:
        status: of the answer, such as 409.
        problem: what programs look at, such as `id_taken`.
        detail: what is wrong, for people.
        errors: what is wrong where in what was sent, each with `pointer` (a JSON Pointer) and `detail`; often empty.
    """

    def __init__(self, status: int, members: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = str(members.get("type", "")).rpartition(":")[2]
        self.detail = str(members.get("detail", ""))
        self.errors: list[dict[str, str]] = list(members.get("errors", []))
        places = [f"\n  {error.get('pointer', '')}: {error.get('detail', '')}" for error in self.errors]
        super().__init__(f"{status} {self.problem}: {self.detail}" + "".join(places))


class ServerUnreachableError(ConnectionError):
    """No mock-authz server answers at the address that was given."""


class Wire:
    """One server as seen over HTTP.

    Args:
        url: where issuers lie, without a trailing slash.
        control_url: where `/_control` lies.
        control_token: what the server asks for there; None for nothing.
        ca_file: a CA certificate to trust beside the usual ones, for a server with `--tls`.
    """

    def __init__(
        self, url: str, *, control_url: str, control_token: str | None, ca_file: str | PathLike[str] | None
    ) -> None:
        self.url = url
        self.control_url = control_url
        self._control_headers = {} if control_token is None else {"authorization": f"Bearer {control_token}"}
        # Plain HTTP needs no certificates, whose loading takes longer than most tests.
        verify: ssl.SSLContext | bool = url.startswith("https") or control_url.startswith("https")
        if ca_file is not None:
            verify = ssl.create_default_context()
            verify.load_verify_locations(cafile=ca_file)
        timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
        # No proxy stands between a test and its server, whatever the environment says.
        self._client = httpx2.Client(verify=verify, timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def control(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        waits_seconds: float = 0.0,
    ) -> Any:
        """Send a request to the control API.

        Args:
            path: below `/_control`.
            body: sent as JSON; None for none.
            waits_seconds: how long the server was asked to wait before it answers.

        Returns:
            The JSON of the answer; None if it has no body.

        Raises:
            ControlError: it was refused.
            ServerUnreachableError: nobody answers.
        """
        url = f"{self.control_url}/_control{path}"
        return self._send(method, url, body, headers=self._control_headers, waits_seconds=waits_seconds)

    def management(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, *, management_token: str
    ) -> Any:
        """Send a request to a sandbox's management API; otherwise like `control`."""
        return self._send(method, url, body, headers={"authorization": f"Bearer {management_token}"})

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        *,
        headers: Mapping[str, str],
        waits_seconds: float = 0.0,
    ) -> Any:
        timeout = httpx2.Timeout(SECONDS + waits_seconds, connect=CONNECT_SECONDS)
        try:
            # A body of None is no body at all: not the JSON text `null`.
            response = (
                self._client.request(method, url, headers=headers, timeout=timeout)
                if body is None
                else self._client.request(method, url, json=dict(body), headers=headers, timeout=timeout)
            )
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        return _members(response)

    @contextmanager
    def follow(self, path: str, *, quiet_seconds: float | None) -> Iterator[Iterator[str]]:
        """Read a stream of server-sent events from the control API, as long as the block runs.

        Args:
            quiet_seconds: ends the stream when nothing was heard for so long; None for never.
        """
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=quiet_seconds)
        url = f"{self.control_url}/_control{path}"
        with self._client.stream("GET", url, headers=self._control_headers, timeout=timeout) as response:
            if not response.is_success:
                response.read()
                _members(response)
            yield _until_quiet(response)

    def _unreachable(self, error: httpx2.TransportError) -> ServerUnreachableError:
        return ServerUnreachableError(f"no mock-authz server answers at {self.control_url}: {error}")


def _until_quiet(response: httpx2.Response) -> Iterator[str]:
    try:
        yield from response.iter_lines()
    except httpx2.ReadTimeout:
        return


def _members(response: httpx2.Response) -> Any:
    """Give the JSON of an answer, or raise what it refuses."""
    try:
        members: Any = response.json() if response.content else None
    except ValueError:
        members, is_ours = None, False
    else:
        is_ours = response.is_success or isinstance(members, Mapping)
    if not is_ours:
        raise ControlError(response.status_code, {"detail": NOT_OURS})
    if not response.is_success:
        raise ControlError(response.status_code, members)
    return members
