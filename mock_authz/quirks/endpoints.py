"""Quirks of what every endpoint has in common: metadata, methods, headers, and the spelling of answers."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    REFRESH,
    TOKEN_STEPS,
    Form,
    Handle,
    granted,
    headers,
    members,
    refused,
    rendered,
    responding,
    status,
    when,
)
from mock_authz.quirks.quirk import at
from mock_authz.web.problems import problem
from mock_authz.web.visit import FORM, Visit

INSERTED: Final = "/.well-known/oauth-authorization-server"
OPENID: Final = "/.well-known/openid-configuration"
NOT_FOUND: Final = problem(404, "not_found", "A quirk of this sandbox hides this.")
ALL_STEPS: Final = (
    "token", *TOKEN_STEPS, "device_authorization", "revoke", "introspect", "license", "servers", "metadata", "jwks",
)  # fmt: skip
OAUTH_STEPS: Final = ("token", *TOKEN_STEPS)


def _missing_at(*, inserted: bool, name: str) -> Any:
    def lie(visit: Visit, _: Form, __: Handle) -> Reply | None:
        asked: str = visit.request.scope["path"]
        if asked == visit.path and not inserted:
            return None
        return NOT_FOUND if asked.startswith(name) is inserted and visit.path == name else None

    return responding(lie)


def _as_openid(visit: Visit, _: Form, __: Handle) -> Reply | None:
    return NOT_FOUND if visit.path == OPENID else None


def _listed(name: str, **changed: Any) -> Any:
    """Change an array of the metadata: `without` one of its items, or `beside` them."""

    def change(items: list[str]) -> list[str]:
        left = [item for item in items if not item.endswith(changed.get("without", "\n"))]
        return [*left, *changed.get("beside", ())]

    return rendered("metadata", members(**{name: change}))


METADATA: Final = (
    *at(
        "respond",
        (
            "metadata_not_appended",
            "metadata.served-appended",
            "The metadata of an issuer with a path is not served at the appended address.",
            _missing_at(inserted=False, name=INSERTED),
        ),
        (
            "metadata_not_inserted",
            "metadata.served-inserted",
            "The metadata is not served at the inserted address.",
            _missing_at(inserted=True, name=INSERTED),
        ),
        (
            "no_openid_configuration",
            "metadata.served-as-openid-configuration",
            "There is no openid-configuration.",
            responding(_as_openid),
        ),
    ),
    *at(
        "render",
        (
            "metadata_as_text",
            "metadata.json",
            "The metadata has the type text/plain.",
            rendered("metadata", lambda reply: replace(reply, media_type="text/plain")),
        ),
        (
            "metadata_issuer_with_slash",
            "metadata.issuer-is-identical",
            "issuer in the metadata has a slash behind it.",
            rendered("metadata", members(issuer=lambda issuer: issuer + "/")),
        ),
        (
            "metadata_issuer_with_query",
            "metadata.issuer-is-identical metadata.issuer-is-plain",
            "issuer in the metadata has a query.",
            rendered("metadata", members(issuer=lambda issuer: issuer + "?tenant=1")),
        ),
        (
            "metadata_with_empty_array",
            "metadata.no-empty-arrays",
            "A member of the metadata is an empty array.",
            rendered("metadata", members(ui_locales_supported=[])),
        ),
        (
            "metadata_with_http",
            "metadata.endpoints-use-https",
            "The metadata names a page of another host, over http.",
            rendered("metadata", members(service_documentation="http://docs.example/authorization")),
        ),
        (
            "metadata_with_response_types",
            "metadata.no-response-types",
            "The metadata has response_types_supported.",
            rendered("metadata", members(response_types_supported=["code"])),
        ),
        (
            "metadata_claims_openid",
            "metadata.claims-no-openid",
            "The metadata has subject_types_supported.",
            rendered("metadata", members(subject_types_supported=["public"])),
        ),
        (
            "metadata_without_device_endpoint",
            "metadata.names-device-endpoint",
            "The metadata has no device_authorization_endpoint.",
            rendered("metadata", members(device_authorization_endpoint=None)),
        ),
        (
            "metadata_without_revocation",
            "metadata.names-all-endpoints",
            "The metadata has no revocation_endpoint.",
            rendered("metadata", members(revocation_endpoint=None)),
        ),
        (
            "metadata_without_device_grant",
            "metadata.lists-device-grant",
            "grant_types_supported of the metadata lacks the device grant.",
            _listed("grant_types_supported", without="device_code"),
        ),
        (
            "metadata_without_refresh_grant",
            "metadata.lists-refresh-grant",
            "grant_types_supported of the metadata lacks refresh_token.",
            _listed("grant_types_supported", without="refresh_token"),
        ),
        (
            "metadata_with_client_secrets",
            "metadata.clients-are-public",
            "The metadata offers client_secret_basic beside none.",
            _listed("token_endpoint_auth_methods_supported", beside=["client_secret_basic"]),
        ),
        (
            "cors_always",
            "metadata.cors-by-setting",
            "The metadata opens itself to browsers, whatever the setting.",
            rendered("metadata", headers(access_control_allow_origin="*")),
        ),
    ),
)

TOKEN_RESPONSES: Final = at(
    "render",
    (
        "token_response_stored",
        "tokens.no-store",
        "Responses with tokens lack Cache-Control.",
        rendered(TOKEN_STEPS, when(granted, headers(cache_control=None))),
    ),
    (
        "token_response_without_pragma",
        "tokens.pragma-no-cache",
        "Responses with tokens lack Pragma.",
        rendered(TOKEN_STEPS, when(granted, headers(pragma=None))),
    ),
    (
        "token_type_is_mac",
        "tokens.type-is-bearer",
        "token_type is mac.",
        rendered(TOKEN_STEPS, when(granted, members(token_type="mac"))),  # noqa: S106 - no secret
    ),
    (
        "scope_left_out_at_refresh",
        "tokens.scope-always-returned",
        "The response to a refresh names no scope.",
        rendered(REFRESH, when(granted, members(scope=None))),
    ),
    (
        "scope_left_out",
        "tokens.scope-always-returned tokens.scope-where-it-differs",
        "No token response names the scope.",
        rendered(TOKEN_STEPS, when(granted, members(scope=None))),
    ),
    (
        "expires_in_as_text",
        "tokens.expires-in-is-a-number",
        "expires_in of a token response is a text.",
        rendered(TOKEN_STEPS, when(granted, members(expires_in=str))),
    ),
    (
        "expires_in_too_great",
        "tokens.expires-in-agrees-with-exp",
        "expires_in of a token response is a minute greater than what is left.",
        rendered(TOKEN_STEPS, when(granted, members(expires_in=lambda seconds: seconds + 60))),
    ),
)

ERRORS: Final = at(
    "render",
    (
        "invalid_client_is_403",
        "errors.status-is-400",
        "The token endpoint answers invalid_client with 403.",
        rendered(
            OAUTH_STEPS,
            when(
                lambda reply: refused("invalid_client")(reply) and reply.status == HTTPStatus.BAD_REQUEST,
                status(403),
            ),
        ),
    ),
    (
        "errors_as_text",
        "errors.json-object",
        "The token endpoint's refusals of unknown clients have the type text/plain.",
        rendered(
            OAUTH_STEPS,
            when(refused("invalid_client"), lambda reply: replace(reply, media_type="text/plain")),
        ),
    ),
    (
        "errors_in_quotes",
        "errors.characters",
        "error_description of the token endpoint holds quotes.",
        rendered(OAUTH_STEPS, when(refused(), members(error_description=lambda said: f'"{said}"'))),
    ),
    (
        "no_challenge_to_clients",
        "tokens.failed-header-is-challenged",
        "A client that fails with the Authorization header gets no WWW-Authenticate.",
        rendered(OAUTH_STEPS, when(refused("invalid_client"), headers(www_authenticate=None))),
    ),
)


def _not_headed(visit: Visit, _: Form, __: Handle) -> Reply | None:
    return None if visit.request.method != "HEAD" else Reply(405, headers={"allow": "GET"})


def _is_of_wrong_type(reply: Reply) -> bool:
    return FORM in (reply.members or {}).get("error_description", "")


def _scope_unreadable(visit: Visit, form: Form, _: Handle) -> Reply | None:
    is_odd = visit.path == "/device_authorization" and not form.get("scope", "").isascii()
    return problem(500, "internal_error", "A quirk of this sandbox.") if is_odd else None


# Broken by other quirks too, which do not say so: whatever is spelled otherwise fits no contract.
CONTRACT: Final = (
    *at(
        "respond",
        (
            "head_is_refused",
            "contract.head-where-get",
            "HEAD is answered with 405.",
            responding(_not_headed),
        ),
        (
            "odd_scope_is_500",
            "contract.no-server-error",
            "A scope beyond ASCII is answered with 500.",
            responding(_scope_unreadable),
        ),
    ),
    *at(
        "render",
        (
            "other_method_is_404",
            "contract.other-method-is-405",
            "A method that is not offered is answered with 404.",
            rendered(
                ALL_STEPS, when(lambda reply: reply.status == HTTPStatus.METHOD_NOT_ALLOWED, status(404))
            ),
        ),
        (
            "allow_left_out",
            "contract.headers-fit-schema",
            "A 405 has no Allow.",
            rendered(ALL_STEPS, headers(allow=None)),
        ),
        (
            "large_body_is_400",
            "contract.large-body-is-413",
            "A body that is too large is answered with 400.",
            rendered(
                ALL_STEPS,
                when(lambda reply: reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE, status(400)),
            ),
        ),
        (
            "key_set_as_text",
            "contract.type-is-documented",
            "The key set has the type text/plain.",
            rendered("jwks", lambda reply: replace(reply, media_type="text/plain")),
        ),
        (
            "key_set_with_more",
            "contract.body-fits-schema",
            "The key set has a member that the contract does not know.",
            rendered("jwks", members(made_by="mock-authz")),
        ),
        (
            "wrong_type_is_406",
            "contract.status-is-documented",
            "A revocation that is not form-encoded is answered with 406.",
            rendered("revoke", when(_is_of_wrong_type, status(406))),
        ),
    ),
)

ENDPOINTS: Final = (*METADATA, *TOKEN_RESPONSES, *ERRORS, *CONTRACT)
