"""The verification page: RFC 8628 3.3 and 5.4, its protection against other sites, and the guide's labels."""

from __future__ import annotations

import re

from authz_conformance.browser import Browser, approval_form, verification_uri
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_REFUSAL, ANY_SUCCESS, expect, given
from authz_conformance.flow import Grant, spelled_plainly
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import NotTestable, RuleBroken
from authz_conformance.web_page import Form, WebPage

SECRET = re.compile(r"csrf|xsrf|forgery|authenticity|token|nonce", re.IGNORECASE)
UNFRAMED = frozenset({"DENY", "SAMEORIGIN"})
DENYING = re.compile(r"deny|reject|decline|refuse|abort", re.IGNORECASE)


@rule("verify.page-asks-for-user-code")
def test_page_asks_for_user_code(server: ServerUnderTest) -> None:
    page = Browser(server).verification_page(server.new_grant())
    expect.that(
        page.entry is not None,
        wanted="a form with a field for the user code",
        found=page.says,
        exchange=page.exchange,
    )


@rule("verify.deny-is-offered")
def test_deny_is_offered(server: ServerUnderTest) -> None:
    grant, browser = server.new_grant(), Browser(server)
    entry = browser.verification_page(grant)
    pages = [entry, browser.entered(entry, grant)]
    buttons = [button for page in pages for form in page.forms for button in form.buttons]
    offers = [f"{button.name} {button.value} {button.text}" for button in buttons]
    expect.that(
        any(DENYING.search(offer) for offer in offers),
        wanted="a button that denies",
        found=", ".join(offers),
        exchange=pages[-1].exchange,
    )


@rule("verify.prefilled-code-is-shown")
def test_prefilled_code_is_shown(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    page = Browser(server).arrived(complete_uri(grant))
    expect.that(
        spelled_plainly(grant.user_code).upper() in spelled_plainly(page.text).upper(),
        wanted=f"{grant.user_code} to be shown",
        found=page.says,
        exchange=page.exchange,
    )


@rule("verify.device-is-shown")
def test_device_is_shown(server: ServerUnderTest) -> None:
    page = Browser(server).confirmation_page(server.new_grant())
    names = [name for name in (server.client_id, server.device.name, server.device.id) if name]
    expect.that(
        any(name in page.text for name in names),
        wanted=f"one of {', '.join(names)} to be shown before the decision",
        found=page.says,
        exchange=page.exchange,
    )


@rule("verify.never-307")
def test_never_307(server: ServerUnderTest) -> None:
    grant, browser = server.new_grant(), Browser(server)
    page = browser.confirmation_page(grant)
    if (form := approval_form(page, grant)) is not None:
        browser.submit(page, form, step="decision")
    given.that(browser.answers, wanted="a form to be posted", found="none", exchange=page.exchange)
    for answer in browser.answers:
        expect.that(
            answer.status not in {307, 308}, wanted="neither 307 nor 308", found=answer.said, exchange=answer
        )


@rule("verify.not-framed")
def test_not_framed(server: ServerUnderTest) -> None:
    grant, browser = server.new_grant(), Browser(server)
    login = browser.open(verification_uri(server, grant))
    entry = browser.verification_page(grant)
    for page in (login, entry, browser.entered(entry, grant)):
        policy = page.exchange.header("content-security-policy") or ""
        options = page.exchange.header("x-frame-options") or ""
        expect.that(
            "frame-ancestors" in policy.lower() or options.strip().upper() in UNFRAMED,
            wanted="Content-Security-Policy with frame-ancestors, or X-Frame-Options with DENY or SAMEORIGIN",
            found=", ".join(filter(None, [policy, options])) or "neither header",
            exchange=page.exchange,
        )


@rule("verify.csrf-refused")
def test_csrf_refused(server: ServerUnderTest) -> None:
    grant, victim, attacker = server.new_grant(), Browser(server), Browser(server)
    entry, forged_from = victim.verification_page(grant), attacker.verification_page(grant)
    forged = forgery(entry.entry, forged_from.entry)
    expect_undecided(server, grant, victim.entered(entry, grant, left_out=frozenset(forged)).exchange)
    foreign = attacker.entered(forged_from, grant)
    page = victim.entered(entry, grant)
    form, other = approval_form(page, grant), approval_form(foreign, grant)
    if form is None or other is None:
        return  # the entry was the approval itself
    forged = forgery(form, other)
    left_out = victim.submit(page, form, left_out=frozenset(forged), step="decision")
    expect_undecided(server, grant, left_out.exchange)
    exchanged = victim.submit(page, form, entered=forged, step="decision")
    expect_undecided(server, grant, exchanged.exchange)
    answer = victim.submit(page, form, step="decision").exchange
    given.never(answer)
    given.that(
        answer.status not in ANY_REFUSAL, wanted="the page's own form to be accepted", found=answer.said
    )


@rule("verify.login-comes-first")
def test_login_comes_first(server: ServerUnderTest) -> None:
    grant, stranger, administrator = server.new_grant(), Browser(server), Browser(server)
    page = stranger.open(verification_uri(server, grant))
    expect.that(page.login is not None, wanted="the login", found=page.says, exchange=page.exchange)
    confirmation = administrator.confirmation_page(grant)
    if (form := approval_form(confirmation, grant)) is not None:
        answer = Browser(server).submit(confirmation, form, step="decision").exchange
        expect_undecided(server, grant, answer)


@rule("verify.confirmation-is-asked")
def test_confirmation_is_asked(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    page = Browser(server).confirmation_page(grant)
    expect_undecided(server, grant, page.exchange)
    form = approval_form(page, grant)
    expect.that(
        form is not None,
        wanted="a page on which the approval is confirmed",
        found=page.says,
        exchange=page.exchange,
    )


@rule("verify.opening-decides-nothing")
def test_opening_decides_nothing(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    stranger = Browser(server).open(complete_uri(grant))
    administrator = Browser(server)
    administrator.logged_in(complete_uri(grant))
    administrator.open(complete_uri(grant))
    expect_undecided(server, grant, stranger.exchange)


@rule("verify.devices-of-chosen-organization")
def test_devices_of_chosen_organization(server: ServerUnderTest) -> None:
    elsewhere = server.provision.create_organization(name="Another one")
    theirs = server.provision.create_device(organization=elsewhere)
    browser = Browser(server)
    choice = browser.logged_in(verification_uri(server, server.new_grant()))
    for chosen, offered, hidden in (
        (server.device.organization, server.device.id, theirs.id),
        (elsewhere, theirs.id, server.device.id),
    ):
        page = chosen_organization(browser, choice, chosen)
        options = [value for form in page.forms for values in form.options.values() for value in values]
        expect.that(
            offered in options and hidden not in options,
            wanted=f"{offered} to be offered and {hidden} not",
            found=", ".join(options),
            exchange=page.exchange,
        )


@rule("verify.labels-of-the-guide")
def test_labels_of_the_guide(server: ServerUnderTest) -> None:
    page = Browser(server).verification_page(server.new_grant())
    labelled = {text: page.named.get(target, ("nothing", ""))[0] for target, text in page.labels.items()}
    for label, element in (("Device", "select"), ("UserCode", "input")):
        expect.that(
            labelled.get(label) == element,
            wanted=f"the label {label} of an element {element}",
            found=", ".join(f"{text} of {labels}" for text, labels in labelled.items()) or "no labels",
            exchange=page.exchange,
        )
    texts = [button.text for form in page.forms for button in form.buttons]
    expect.that("Authorize" in texts, wanted="a button Authorize", found=texts, exchange=page.exchange)
    expect.that(
        "Authorize Device" in page.text,
        wanted="the heading Authorize Device",
        found=page.says,
        exchange=page.exchange,
    )


def complete_uri(grant: Grant) -> str:
    """Give verification_uri_complete."""
    if grant.verification_uri_complete is None:
        raise NotTestable("there is no verification_uri_complete")
    return grant.verification_uri_complete


def forgery(form: Form | None, other: Form | None) -> dict[str, str]:
    """Give a form's anti-forgery value as another session has it: what differs, or else what is named like one."""
    if form is None or other is None:
        return {}
    differing = {name: value for name, value in other.values.items() if form.values.get(name) != value}
    return differing or {name: "forged" for name in form.values if SECRET.search(name)}


def expect_undecided(server: ServerUnderTest, grant: Grant, at: Exchange) -> None:
    """Check that what was just done has decided nothing."""
    answer = server.poll(grant)
    decided = answer.status in ANY_SUCCESS or answer.error == "access_denied"
    expect.that(not decided, wanted="the code to stay undecided", found=answer.said, exchange=at)


def chosen_organization(browser: Browser, choice: WebPage, organization: str) -> WebPage:
    """Choose an organization on the page that asks for one."""
    for form in choice.forms:
        button = next((button for button in form.buttons if button.value == organization), None)
        if button is not None:
            return browser.submit(choice, form, button=button)
    raise RuleBroken(
        wanted=f"a choice of organizations with {organization}", found=choice.says, exchange=choice.exchange
    )
