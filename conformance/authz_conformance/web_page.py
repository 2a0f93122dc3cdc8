"""An HTML page as a rule test sees it: its forms, its labels, and the text that people can read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from authz_conformance.exchange import Exchange

SUBMITTING = ".submit()"
_UNREAD = frozenset({"script", "style", "title"})
_NO_FIELD = frozenset({"hidden", "submit", "button", "reset", "image", "password", "checkbox", "radio"})


@dataclass(kw_only=True)
class Button:
    """What submits a form."""

    name: str
    value: str
    text: str = ""


@dataclass(kw_only=True)
class Form:
    """A form of a page.

    Attributes:
        values: what it sends if nothing is entered, buttons left out.
        fields: names of what somebody can type into.
        password: the name of the field for a password, if there is one.
        options: for each list to choose from the values that can be chosen.
    """

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    password: str | None = None
    options: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)


@dataclass(kw_only=True)
class WebPage:
    """A page.

    Attributes:
        exchange: it came with.
        text: what can be read, the contents of fields included.
        labels: the text of each label, with the id of what it labels.
        named: the name of the element that has an id, and its tag.
    """

    exchange: Exchange
    forms: list[Form] = field(default_factory=list)
    text: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    named: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def login(self) -> Form | None:
        """The form that asks for a password, if there is one."""
        return next((form for form in self.forms if form.password), None)

    @property
    def entry(self) -> Form | None:
        """The form with a field to type into, if there is one that asks for no password."""
        return next((form for form in self.forms if form.fields and not form.password), None)

    @property
    def choices(self) -> list[tuple[Form, Button]]:
        """The buttons of which one is to be pressed: several of one name, each with a value of its own."""
        valued = [
            (form, button) for form in self.forms for button in form.buttons if button.name and button.value
        ]
        names = Counter(button.name for _, button in valued)
        return [(form, button) for form, button in valued if names[button.name] > 1 and not form.fields]

    def listing(self, value: str) -> tuple[Form, str] | None:
        """Find the list that offers a value: its form and its name."""
        found = (
            (form, name) for form in self.forms for name, values in form.options.items() if value in values
        )
        return next(found, None)

    @property
    def submits_itself(self) -> bool:
        """Whether it is one form without fields that a script submits, which takes the place of a redirect to a POST."""
        scripted = SUBMITTING in self.exchange.text and len(self.forms) == 1
        return scripted and self.forms[0].method == "post" and not self.forms[0].fields

    @property
    def says(self) -> str:
        """The page in a few words."""
        words = " ".join(self.text.split())
        return f"{self.exchange.said}: {words[:200]}"


class _Reader(HTMLParser):
    def __init__(self, page: WebPage) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self._unread = 0
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select = ""
        self._label: str | None = None
        self._button: Button | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.page.named[given["id"]] = (tag, given.get("name", ""))
        if tag in _UNREAD:
            self._unread += 1
        elif tag == "form":
            self._form = Form(action=given.get("action", ""), method=given.get("method", "get").lower())
            self.page.forms.append(self._form)
            self._by_id[given.get("id", "")] = self._form
        elif tag == "label":
            self._label = given.get("for", "")
        elif (form := self._owner(given)) is not None:
            self._field(tag, given, form)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag == "form":
            self._form = None
        elif tag == "label":
            self._label = None
        elif tag == "button":
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._unread:
            return
        self.page.text += f" {data}"
        if self._label is not None:
            self.page.labels[self._label] = (self.page.labels.get(self._label, "") + data).strip()
        if self._button is not None:
            self._button.text = (self._button.text + data).strip()

    def _owner(self, given: dict[str, str]) -> Form | None:
        """Find the form of an element: the one that it names, else the one that it stands in."""
        return self._by_id.get(given["form"]) if "form" in given else self._form

    def _field(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "").lower()
        if tag == "button" or (tag == "input" and kind == "submit"):
            self._button = Button(name=name, value=value, text=value if tag == "input" else "")
            form.buttons.append(self._button)
        elif tag == "select":
            self._select = name
            form.options[name] = []
        elif tag == "option" and self._select and "disabled" not in given:
            form.options[self._select].append(value)
        elif tag in {"textarea", "input"}:
            self._input(name, value, kind, form, is_ticked="checked" in given)

    def _input(self, name: str, value: str, kind: str, form: Form, *, is_ticked: bool) -> None:
        if kind == "password":
            form.password = name
        elif kind not in _NO_FIELD:
            form.fields.append(name)
            self.page.text += f" {value}"
        if name and (kind not in {"checkbox", "radio"} or is_ticked):
            form.values[name] = value


def read_page(exchange: Exchange) -> WebPage:
    """Read an answer as a page; what is no HTML is a page without forms."""
    page = WebPage(exchange=exchange)
    reader = _Reader(page)
    reader.feed(exchange.text)
    reader.close()
    return page
