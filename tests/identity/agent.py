"""An agent that is given nothing but the URL of an MCP endpoint, with the official client of either
major version: it finds out where to get a token, makes itself known, has its person sign in and
consent, calls, refreshes, asks for more, and is stopped.

Prints one line of JSON for each step: {"step": NAME, "ok": true, ...}. The exit code is 0 where all
are ok.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

MAJOR = int(version("mcp").split(".")[0])
if MAJOR == 1:
    import httpx
    from mcp import ClientSession
else:
    import httpx2 as httpx
    from mcp import Client
    from mcp.client.auth import AuthorizationCodeResult

# No step takes longer. One that would has found a hang.
STEP_SECONDS_MAX = 60.0


class Failed(Exception):
    """Something is not as it must be."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Failed(what)


class Person:
    """Whoever the agent acts for, with a browser: person.mjs."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process = process
        self.name = name
        self.decision = "allow"
        self.asked: list[dict[str, Any]] = []

    async def does(self, what: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(what | {"name": self.name})
        self.process.stdin.write(f"{line}\n".encode())
        answer = json.loads(await self.process.stdout.readline() or '{"error": "it is gone"}')
        must("error" not in answer, f"the browser: {answer.get('error')}")
        return answer

    async def authorizes(self, url: str, back: str) -> None:
        answer = await self.does({"open": url, "back": back, "decision": self.decision})
        self.asked.append(answer | {"url": url})


class Storage:
    """What the client keeps, in memory."""

    tokens: Any = None
    client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


class Back:
    """Where the browser comes back to: a listener on this machine."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def open(self) -> int:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        while (await reader.readline()).strip():
            pass
        query = parse_qs(urlsplit(line.split(" ")[1]).query)
        # Browsers ask for an icon too.
        if query:
            await self.came.put({name: values[0] for name, values in query.items()})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


class Agent:
    """The official client, and an application around it as its documentation has it."""

    def __init__(self, options: argparse.Namespace, person: Person, back: Back, port: int) -> None:
        self.options, self.person, self.back = options, person, back
        self.redirect = f"http://127.0.0.1:{port}/back"
        self.storage = Storage()
        document = f"{options.documents}/{port}/client.json" if options.documents else None
        self.provider = OAuthClientProvider(
            server_url=options.url,
            client_metadata=OAuthClientMetadata(
                client_name="Agent that registers itself",
                redirect_uris=[self.redirect],
                grant_types=["authorization_code", "refresh_token"],
                response_types=["code"],
                token_endpoint_auth_method="none",
            ),
            storage=self.storage,
            redirect_handler=self.open_browser,
            callback_handler=self.wait_for_person,
            client_metadata_url=document,
        )
        self.narrow: str | None = options.narrow

    async def open_browser(self, url: str) -> None:
        if self.narrow is not None and "scope=" not in url:
            # This application begins with less than it could have.
            url, self.narrow = f"{url}&scope={self.narrow}", None
        self.opened = url

    async def wait_for_person(self) -> Any:
        await self.person.authorizes(self.opened, self.redirect)
        came = await self.back.came.get()
        if "error" in came:
            raise Failed(f"the door sent back {came['error']}")
        if MAJOR == 1:
            return came["code"], came.get("state")
        return AuthorizationCodeResult(
            code=came["code"], state=came.get("state"), iss=came.get("iss")
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
        """Gives a function that calls a tool."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(
                httpx.AsyncClient(auth=self.provider, timeout=STEP_SECONDS_MAX, trust_env=False)
            )
            transport = streamable_http_client(self.options.url, http_client=http)
            if MAJOR == 1:
                reader, writer, _ = await stack.enter_async_context(transport)
                session = await stack.enter_async_context(ClientSession(reader, writer))
                self.protocol = (await session.initialize()).protocolVersion
                yield lambda tool: session.call_tool(tool, {"id": 1})
            else:
                client = Client(transport, mode=self.options.mode)
                client = await stack.enter_async_context(client)
                self.protocol = client.protocol_version
                yield lambda tool: client.call_tool(tool, {"id": 1})

    async def call(self, tool: str) -> str:
        """Connects as an application does, calls, and gives back what the tool said."""
        async with self.connected() as call:
            result = await call(tool)
        text = "".join(getattr(it, "text", "") for it in result.content)
        is_error = result.isError if MAJOR == 1 else result.is_error
        must(not is_error, f"{tool}: {text}")
        return text


class Steps:
    """All that the agent goes through, in this order."""

    def __init__(self, options: argparse.Namespace, agent: Agent) -> None:
        self.options, self.agent, self.person = options, agent, agent.person
        self.failed: list[str] = []

    async def all(self) -> None:
        steps = [self.gets_in, self.refreshes, self.steps_up, self.is_revoked]
        for step in steps:
            line: dict[str, Any] = {"step": step.__name__, "ok": True}
            try:
                async with asyncio.timeout(STEP_SECONDS_MAX):
                    line |= await step()
            except TimeoutError:
                line |= {"ok": False, "error": f"no end after {STEP_SECONDS_MAX:.0f} s"}
            except BaseException as error:
                line |= {"ok": False, "error": flat(error)}
            print(json.dumps(line), flush=True)
            if not line["ok"]:
                self.failed.append(step.__name__)
                return

    async def gets_in(self) -> dict[str, Any]:
        must("ok" in await self.agent.call("orders_get_order"), "it did not get to the upstream")
        must(len(self.person.asked) == 1, f"asked {len(self.person.asked)} times")
        asked = self.person.asked[0]
        consent = asked["consent"] or ""
        must("127.0.0.1" in consent, f"consent hides where it leads to: {consent}")
        client = self.agent.storage.client.client_id
        must(client.startswith("https://") == bool(self.options.documents), f"it is {client}")
        return {"protocol": str(self.agent.protocol), "client": client, "pages": asked["pages"]}

    async def refreshes(self) -> dict[str, Any]:
        before = self.agent.storage.tokens.access_token
        # As if minutes had gone by.
        self.agent.provider.context.token_expiry_time = time.time() - 1
        await self.agent.call("orders_get_order")
        must(self.agent.storage.tokens.access_token != before, "it is the same token")
        must(len(self.person.asked) == 1, "its person was asked again")
        return {}

    async def steps_up(self) -> dict[str, Any]:
        must("ok" in await self.agent.call("customers_get_customer"), "it got nothing")
        must(len(self.person.asked) == 2, f"asked {len(self.person.asked)} times")
        scopes = self.agent.storage.tokens.scope or ""
        wanted = {"collection:orders", "collection:customers"}
        must(wanted <= set(scopes.split()), f"it has {scopes}")
        return {"scopes": scopes}

    async def is_revoked(self) -> dict[str, Any]:
        tokens, client = self.agent.storage.tokens, self.agent.storage.client
        door = "{0.scheme}://{0.netloc}".format(urlsplit(self.options.url))
        wanted = {"account": f"{door}/oauth/account", "take_back": self.options.client_name}
        await self.person.does(wanted)
        started = time.monotonic()
        self.person.decision = "deny"
        asked = len(self.person.asked)
        async with httpx.AsyncClient(trust_env=False) as http:
            header = {"Authorization": f"Bearer {tokens.access_token}"}
            while (await http.get(f"{door}/orders/orders/1", headers=header)).status_code != 401:
                must(time.monotonic() - started < 1, "its token is good after a second")
                await asyncio.sleep(0.01)
            seconds = time.monotonic() - started
            form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
            answer = await http.post(
                f"{door}/oauth/token", data=form | {"client_id": client.client_id}
            )
            said = answer.json().get("error")
            must(said == "invalid_grant", f"its refresh token: {answer.status_code} {said}")
        try:
            await self.agent.call("orders_get_order")
        except BaseException as error:
            must("access_denied" in flat(error), flat(error))
        else:
            raise Failed("it still gets in")
        must(len(self.person.asked) == asked + 1, "its person was not asked again")
        return {"seconds": round(seconds, 3)}


def flat(error: BaseException) -> str:
    """All that is in a group of exceptions, and what they came of."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(flat(it) for it in error.exceptions)
    return f"{type(error).__name__}: {error}"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the MCP endpoint")
    parser.add_argument("--documents", help="where documents about clients are; else it registers")
    parser.add_argument("--mode", default="auto", help="of the client 2.x")
    parser.add_argument("--narrow", default="collection:orders", help="the scope to begin with")
    parser.add_argument("--client-name", required=True, help="what people know it as")
    parser.add_argument("--name", default="ann@staff", help="who signs in")
    parser.add_argument("person", nargs="+", help="the command that starts the browser")
    options = parser.parse_args()
    process = await asyncio.create_subprocess_exec(
        *options.person,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    back = Back()
    port = await back.open()
    steps = Steps(options, Agent(options, Person(process, options.name), back, port))
    await steps.all()
    process.stdin.close()
    await process.wait()
    return 1 if steps.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
