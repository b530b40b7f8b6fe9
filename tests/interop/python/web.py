"""An HTTPS client for the phone and the person of these tests. The client does not follow redirects."""

import json
import os
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar

TIMEOUT = 30


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs):
        return None


class Client:
    """A client that trusts one private authority."""

    def __init__(self, authority: str, cookies: bool = False):
        context = ssl.create_default_context(cadata=authority)
        handlers = [urllib.request.HTTPSHandler(context=context), _NoRedirect()]
        if cookies:
            handlers.append(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, address: str, body: bytes | None = None, **headers: str) -> Reply:
        """Sends a POST request if there is a body, else a GET request. An error status raises no exception."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(address, data=body, headers=named)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return Reply(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, _lower(error.headers), error.read())


def _lower(headers) -> dict:
    return {name.lower(): value for name, value in headers.items()}


class World:
    """The service and relay that `cargo xtask test` has started."""

    def __init__(self):
        self._control = os.environ["COUNTERSIGN_WORLD"]
        with urllib.request.urlopen(self._control, timeout=TIMEOUT) as answer:
            facts = json.load(answer)
        self.issuer, self.relay, self.authority = facts["issuer"], facts["relay"], facts["ca"]

    def person(self) -> tuple[str, str]:
        """Makes a new person; returns user name and password."""
        request = urllib.request.Request(self._control + "/people", data=b"{}", headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            made = json.load(answer)
        return made["user"], made["password"]
