"""An adapter as a partner would write it: decides a user code at mock-authz. Arguments: verb, issuer, user code, device."""

from __future__ import annotations

import json
import sys

import httpx2

VERB, ISSUER, USER_CODE, DEVICE = sys.argv[1:5]


def main() -> int:
    told = json.load(sys.stdin)
    assert told["user_code"] == USER_CODE
    sandbox = httpx2.get(f"{ISSUER}/_control/sandboxes").json()[0]
    body = {"administrator": "admin"} | ({"server_id": DEVICE} if VERB == "approve" else {})
    answer = httpx2.post(
        f"{ISSUER}/management/authorizations/{USER_CODE}/{VERB}",
        json=body,
        headers={"authorization": f"Bearer {sandbox['management_token']}"},
    )
    if answer.is_success:
        return 0
    print(json.dumps({"status": answer.status_code, "detail": answer.json()["detail"]}))  # noqa: T201 - the protocol
    return 10


if __name__ == "__main__":
    sys.exit(main())
