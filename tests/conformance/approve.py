"""An adapter as a partner would write it: decides a user code at mock-authz. Arguments: verb, issuer, user code, device."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

VERB, ISSUER, USER_CODE, DEVICE = sys.argv[1:5]


def main() -> int:
    assert json.load(sys.stdin)["user_code"] == USER_CODE
    with urlopen(f"{ISSUER}/_control/sandboxes") as answer:  # noqa: S310 - on loopback
        management_token = json.load(answer)[0]["management_token"]
    body = {"administrator": "admin"} | ({"server_id": DEVICE} if VERB == "approve" else {})
    try:
        _post(f"{ISSUER}/management/authorizations/{USER_CODE}/{VERB}", body, management_token)
    except HTTPError as refusal:
        print(json.dumps({"status": refusal.code, "detail": json.load(refusal)["detail"]}))  # noqa: T201 - the answer
        return 10
    return 0


def _post(url: str, body: dict[str, Any], bearer: str) -> None:
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    with urlopen(Request(url, json.dumps(body).encode(), headers)):  # noqa: S310 - likewise
        pass


if __name__ == "__main__":
    sys.exit(main())
