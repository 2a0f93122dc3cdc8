"""The metadata document (RFC 8414), which OpenID clients find as well (RFC 8414 5). No OpenID claim is made.

Authlib's metadata class lacks `device_authorization_endpoint`, so the document is built here.
"""

from __future__ import annotations

from typing import Any, Final

# RFC 8628 3.4. Authlib has a name for it; but metadata is answered before Authlib is loaded.
DEVICE_CODE_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = (DEVICE_CODE_GRANT_TYPE, "refresh_token")


def metadata(issuer: str) -> dict[str, Any]:
    """Describe the endpoints of an issuer. Empty arrays are left out (RFC 8414 3.2), `response_types_supported` too."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "jwks_uri": f"{issuer}/jwks",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "scopes_supported": ["license"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "introspection_endpoint_auth_methods_supported": ["Bearer"],
    }
