"""Callers that a door has to be able to put out: tokens of many issuers, and tokens of many people.

    PYTHON issued.py issuers COUNT AUDIENCE
    PYTHON issued.py people DOOR RESOURCE CLIENT PASSWORD NAME...

The first prints [{"issuer": URL, "jwks": ..., "tokens": [...]}, ...]: COUNT issuers of one token
each, of "robot", and behind them one of COUNT tokens, of "robot-0", "robot-1" and so on. The second
signs people in one after the other, allows CLIENT what it asks for, and prints [{"token": ...,
"refresh": ..., "client": CLIENT}, ...]. Every other one of these was refreshed. Where CLIENT is -,
it is one that registers itself, once for all of them.
"""

import http.client
import html
import itertools
import json
import re
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

BACK = "https://app.example/back"
FORM = "application/x-www-form-urlencoded"
# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def issuers(count: int, audience: str) -> list[dict]:
    from joserfc import jwt
    from joserfc.jwk import ECKey

    made = []
    for number in range(count + 1):
        key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
        issuer = f"https://issuer-{number}.example"
        now = int(time.time())
        robots = ["robot"] if number < count else [f"robot-{it}" for it in range(count)]
        tokens = []
        for robot in robots:
            claims = {"iss": issuer, "sub": robot, "client_id": robot, "aud": audience}
            claims |= {"iat": now, "exp": now + 3_600, "jti": f"t{number}-{robot}"}
            tokens.append(jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "one"}, claims, key))
        jwks = {"keys": [key.as_dict(private=False)]}
        made.append({"issuer": issuer, "jwks": jwks, "tokens": tokens})
    return made


BROWSERS = itertools.count()


class Browser:
    """As much of one as the door's pages need."""

    def __init__(self, door: str) -> None:
        self.host = urlsplit(door).netloc
        # One each: so many people at one address would be slowed down.
        number = next(BROWSERS)
        self.source = (f"127.1.{number // 250}.{number % 250 + 1}", 0)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, form: dict | None = None) -> tuple[str, str]:
        """The page, and where it leads to."""
        return self.send(method, path, FORM, form and urlencode(form))

    def send(self, method: str, path: str, kind: str, body: str | None) -> tuple[str, str]:
        connection = http.client.HTTPConnection(self.host, timeout=30, source_address=self.source)
        headers = {"Cookie": "; ".join(f"{name}={it}" for name, it in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = kind
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        page = answer.read().decode()
        assert "error=" not in answer.headers.get("Location", ""), answer.headers["Location"]
        assert answer.status < 400, (answer.status, page)
        return page, answer.headers.get("Location", "")

    def submit(self, page: str, action: str, filled: dict) -> tuple[str, str]:
        forms = [it for it in page.split("<form") if f'action="{action}"' in it]
        assert forms, page
        form = forms[0]
        hidden = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
        return self.ask("POST", action, {n: html.unescape(v) for n, v in hidden} | filled)


def registered(door: str) -> str:
    """A client that registers itself, and proves nothing of itself (RFC 7591)."""
    metadata = {"client_name": "asking", "redirect_uris": [BACK]}
    metadata |= {"token_endpoint_auth_method": "none"}
    body = json.dumps(metadata)
    answer, _ = Browser(door).send("POST", "/oauth/register", "application/json", body)
    return json.loads(answer)["client_id"]


def signed_in(how: tuple[str, str, str, str], name: str, refreshes: bool) -> dict:
    door, resource, client, password = how
    asked = {"client_id": client, "redirect_uri": BACK, "response_type": "code", "state": "s"}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    browser = Browser(door)
    page, _ = browser.ask("GET", "/oauth/authorize?" + urlencode(asked | {"resource": resource}))
    page, _ = browser.submit(page, "/oauth/sign-in", {"name": name, "password": password})
    _, back = browser.submit(page, "/oauth/consent", {"decision": "allow"})
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": client, "code": code}
    form |= {"redirect_uri": BACK, "code_verifier": VERIFIER}
    answer = json.loads(Browser(door).ask("POST", "/oauth/token", form)[0])
    if refreshes:
        form = {"grant_type": "refresh_token", "client_id": client}
        form |= {"refresh_token": answer["refresh_token"]}
        answer = json.loads(Browser(door).ask("POST", "/oauth/token", form)[0])
    tokens = {"token": answer["access_token"], "refresh": answer["refresh_token"]}
    return tokens | {"client": client}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "issuers":
        print(json.dumps(issuers(int(rest[0]), rest[1])))
    else:
        door, resource, client, password, *names = rest
        client = registered(door) if client == "-" else client
        how = door, resource, client, password
        signed = [signed_in(how, name, number % 2 == 1) for number, name in enumerate(names)]
        print(json.dumps(signed))
