"""The contract: each rule is settled by one survey of the server, taken for all of them."""

from authz_conformance.contract.survey import Rules, Survey, take_survey
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest


@rule("contract.no-server-error", by=take_survey)
def test_no_server_error(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.SERVER_ERROR, server)


@rule("contract.status-is-documented", by=take_survey)
def test_status_is_documented(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.STATUS, server)


@rule("contract.type-is-documented", by=take_survey)
def test_type_is_documented(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.TYPE, server)


@rule("contract.body-fits-schema", by=take_survey)
def test_body_fits_schema(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.BODY, server)


@rule("contract.headers-fit-schema", by=take_survey)
def test_headers_fit_schema(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.HEADERS, server)


@rule("contract.bad-request-refused", by=take_survey)
def test_bad_request_refused(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.BAD_REQUEST, server)


@rule("contract.other-method-is-405", by=take_survey)
def test_other_method_is_405(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.METHOD, server)


@rule("contract.large-body-is-413", by=take_survey)
def test_large_body_is_413(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.LARGE, server)


@rule("contract.head-where-get", by=take_survey)
def test_head_where_get(server: ServerUnderTest, survey: Survey) -> None:
    survey.settle(Rules.HEAD, server)
