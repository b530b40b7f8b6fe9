"""A person who uses the service's pages without a browser: this module submits the forms."""

import base64
import re
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser

from python.web import Client, World


@dataclass
class Page(HTMLParser):
    """A page: its name, its number, its forms, and the links that the tests need."""

    html: str
    address: str
    name: str = ""
    number: str = ""
    picture: str = ""
    leads_to: str = ""
    forms: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        """Reads the elements that a person would see or press."""
        given = dict(attrs)
        if given.get("id") == "page":
            self.name = given["data-page"]
        elif given.get("id") == "number":
            self.number = given["data-number"]
        elif given.get("id") == "qr":
            self.picture = given["src"]
        elif given.get("id") == "leave":
            self.leads_to = given["href"]
        if tag == "form":
            self.forms.append((given["action"], {}, []))
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1][1][given["name"]] = given.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1][2].append(given.get("id"))


class Person:
    """A person with their own cookies."""

    def __init__(self, world: World):
        self.user, self._password = world.person()
        self._world, self._client = world, Client(world.authority, cookies=True)

    def another_browser(self) -> "Person":
        """The same person in a new browser, without cookies."""
        other = object.__new__(Person)
        other.user, other._password, other._world = self.user, self._password, self._world
        other._client = Client(self._world.authority, cookies=True)
        return other

    def open(self, path: str) -> Page:
        """Opens a page, and follows redirects within the service.

        For a redirect to another site, returns an empty page with the URL of the other site.
        """
        return self._follow(path, self._client.ask(self._at(path)))

    def press(self, page: Page, button: str, **filled: str) -> Page:
        """Fills in a form and presses its button."""
        action, fields, _ = next(form for form in page.forms if button in form[2])
        body = urllib.parse.urlencode(fields | filled).encode()
        return self._follow(action, self._client.ask(self._at(action), body, Origin=self._world.issuer))

    def _at(self, path: str) -> str:
        return path if path.startswith("https://") else self._world.issuer + path

    def _follow(self, address: str, reply) -> Page:
        while location := reply.headers.get("location"):
            address = location
            if not self._at(location).startswith(self._world.issuer) or location.startswith("http://"):
                return Page("", location)
            reply = self._client.ask(self._at(location))
        page = Page(reply.body.decode(), address)
        return Page("", page.leads_to) if page.name == "leaving" else page

    def enters_password(self, page: Page) -> Page:
        """Enters user name and password."""
        page = self.press(page, "next", user_name=self.user)
        return self.press(page, "next", password=self._password)

    def wizard(self) -> Page:
        """Signs in for the first time, and goes through the wizard up to the page that shows the typed code."""
        page = self.enters_password(self.open("/sign-in"))
        page = self.press(self.press(page, "add-method"), "next")
        return self.press(page, "cant-scan")

    def uses_phone(self) -> Page:
        """Enters the user name, and chooses to sign in with the phone."""
        page = self.press(self.open("/sign-in"), "next", user_name=self.user)
        return self.press(page, "use-phone") if page.name == "password" else page


def typed_code(page: Page) -> tuple[str, str]:
    """Returns two values: the typed code; and the service's address, which the page shows next to the code."""
    code = re.search(r'id="typed-code">([^<]+)<', page.html)[1]
    return code, re.search(r'id="typed-address">([^<]+)<', page.html)[1]


def scanned_picture(page: Page) -> bytes:
    """Returns the picture with the code."""
    return base64.b64decode(page.picture.split(",", 1)[1])
