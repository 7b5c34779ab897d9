"""The checks that every official MCP client runs against the door, whatever its version.

A driver gives a Peer, which hides the SDK; this module decides what must hold and prints one line
of JSON for each check: {"check": NAME, "ok": true, ...}. The exit code is 0 where all are ok.
"""

import abc
import argparse
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

# No check takes longer. One that would has found a hang.
CHECK_SECONDS_MAX = 20.0
# Long enough for a call to reach the upstream, short next to how long the slow operation takes.
UNTIL_CANCEL_SECONDS = 1.0
# Long enough for the door to end what was cancelled, on a busy machine as well.
UNTIL_LEAVE_SECONDS = 0.5

TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


@dataclass
class Tool:
    """A tool as the client sees it."""

    name: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]


@dataclass
class Answer:
    """What came of a call: a result, or an error of the protocol."""

    is_error: bool
    text: str = ""
    structured: Any = None
    # Set where the protocol itself answered with an error.
    code: int | None = None
    # Set where HTTP did, and the client did not look further.
    status: int | None = None

    def shown(self) -> dict[str, Any]:
        shown = {"is_error": self.is_error, "text": self.text[:400], "structured": self.structured}
        shown |= {"code": self.code, "status": self.status}
        return {name: value for name, value in shown.items() if value is not None}


@dataclass
class Connected:
    """A client that has found out what the server speaks."""

    protocol: str
    server: str | None


class Peer(abc.ABC):
    """One version of the official client, connected to the door."""

    connected: Connected

    @abc.abstractmethod
    async def list_tools(self) -> list[Tool]: ...

    @abc.abstractmethod
    async def call(self, name: str, arguments: dict[str, Any]) -> Answer: ...

    @abc.abstractmethod
    async def call_and_cancel(self, name: str, arguments: dict[str, Any], seconds: float) -> None:
        """Gives the call up after so long, the way this client tells a server."""


# Opens a connection with a key, or without one.
Connect = Callable[[str | None], AbstractAsyncContextManager[Peer]]


class Failed(Exception):
    """Something is not as it must be."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Failed(what)


@dataclass
class Run:
    """One run of all checks."""

    sdk: str
    mode: str
    options: argparse.Namespace
    connect: Connect
    describe_failure: Callable[[BaseException], Answer | None]
    failed: list[str] = field(default_factory=list)

    async def check(self, name: str, work: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Runs one check and prints its line."""
        line: dict[str, Any] = {"check": name, "ok": True, "sdk": self.sdk, "mode": self.mode}
        started = time.monotonic()
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                line |= await work()
        except TimeoutError:
            line |= {"ok": False, "error": f"no end after {CHECK_SECONDS_MAX:.0f} s"}
        except Failed as failed:
            line |= {"ok": False, "error": str(failed)}
        except BaseExceptionGroup as group:
            line |= {"ok": False, "error": flat(group)}
        except Exception as error:
            line |= {"ok": False, "error": f"{type(error).__name__}: {error}"}
        line["ms"] = round((time.monotonic() - started) * 1000)
        if not line["ok"]:
            self.failed.append(name)
        print(json.dumps(line), flush=True)

    async def all(self) -> None:
        """Runs every check. Each has its own connection: one that breaks must not hide the next."""
        await self.check("connect", self.connects)
        await self.check("list", self.lists)
        await self.check("call", self.calls)
        await self.check("refused", self.is_refused)
        await self.check("upstream_error", self.tells_an_upstream_error)
        await self.check("cancel", self.cancels)
        await self.check("no_credential", lambda: self.is_turned_away(None))
        await self.check("wrong_credential", lambda: self.is_turned_away("odk_wrong"))

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        async with self.connect(self.options.key) as peer:
            yield peer

    async def connects(self) -> dict[str, Any]:
        async with self.peer() as peer:
            protocol, server = peer.connected.protocol, peer.connected.server
        want = self.options.protocol
        must(want is None or protocol == want, f"speaks {protocol}, expected {want}")
        return {"protocol": protocol, "server": server}

    async def lists(self) -> dict[str, Any]:
        options = self.options
        async with self.peer() as peer:
            tools = await peer.list_tools()
            again = await peer.list_tools()
        names = [tool.name for tool in tools]
        must(names == [tool.name for tool in again], "the order of tools changes")
        must(len(names) == len(set(names)), "a name stands twice")
        for tool in tools:
            must(TOOL_NAME.match(tool.name) is not None, f"bad name {tool.name!r}")
            kind = tool.input_schema.get("type")
            must(kind == "object", f"{tool.name}: the schema's root is {kind!r}")
        must(options.read in names, f"{options.read} is not listed")
        must(options.refused not in names, f"{options.refused} is listed and would be refused")
        read = next(tool for tool in tools if tool.name == options.read)
        must(read.annotations.get("readOnlyHint") is True, f"{read.name} is not marked as a read")
        return {"tools": names}

    async def calls(self) -> dict[str, Any]:
        async with self.peer() as peer:
            answer = await peer.call(self.options.read, await self.order(peer))
        must(not answer.is_error, f"an error: {answer.shown()}")
        must(answer.text != "", "no text")
        if answer.structured is not None:
            must(json.loads(answer.text) == answer.structured, "text and structure differ")
        return answer.shown()

    async def is_refused(self) -> dict[str, Any]:
        async with self.peer() as peer:
            arguments = await self.order(peer)
            answer = await peer.call(self.options.refused, arguments)
            must(answer.is_error, f"not refused: {answer.shown()}")
            # A refusal is an answer: the connection lives on.
            must(not (await peer.call(self.options.read, arguments)).is_error, "no call after it")
        return answer.shown()

    async def tells_an_upstream_error(self) -> dict[str, Any]:
        async with self.peer() as peer:
            answer = await peer.call(self.options.fail, {})
        must(answer.is_error, f"no error: {answer.shown()}")
        must(answer.code is None and answer.status is None, "an error of the protocol, no result")
        must("500" in answer.text, f"the upstream's status is not told: {answer.text[:400]}")
        return answer.shown()

    async def cancels(self) -> dict[str, Any]:
        options = self.options
        async with self.peer() as peer:
            arguments = await self.order(peer)
            started = time.monotonic()
            slow = json.loads(options.slow_arguments)
            await peer.call_and_cancel(options.slow, slow, UNTIL_CANCEL_SECONDS)
            waited = time.monotonic() - started
            must(waited < options.slow_seconds, f"given up only after {waited:.1f} s")
            answer = await peer.call(options.read, arguments)
            # mcp 2.3.0 fails where the end of what was cancelled comes as it leaves (BrokenResourceError).
            await asyncio.sleep(UNTIL_LEAVE_SECONDS)
        must(not answer.is_error, f"no call after it: {answer.shown()}")
        return {"waited_ms": round(waited * 1000)}

    async def is_turned_away(self, key: str | None) -> dict[str, Any]:
        """Connecting, or at the latest the first question, must fail with an error that says why."""
        try:
            async with self.connect(key) as peer:
                tools = await peer.list_tools()
        except BaseException as error:
            answer = self.describe_failure(error)
            if answer is None:
                raise
            return answer.shown()
        # A caller without a credential may see what is public, and nothing else.
        must(key is None, "a wrong key was let in")
        must(self.options.read not in [tool.name for tool in tools], "tools without a credential")
        return {"tools": [tool.name for tool in tools]}

    async def order(self, peer: Peer) -> dict[str, Any]:
        """The arguments that name one order, by the schema of the tool that reads it."""
        tools = {tool.name: tool for tool in await peer.list_tools()}
        must(self.options.read in tools, f"{self.options.read} is not listed")
        schema = tools[self.options.read].input_schema
        required = schema.get("required", [])
        must(len(required) == 1, f"{self.options.read} needs {required}, expected one argument")
        kind = schema["properties"][required[0]].get("type")
        value = self.options.order if kind == "string" else int(self.options.order)
        return {required[0]: value}


def flat(error: BaseException) -> str:
    """All errors of a group, in one line."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(flat(inner) for inner in error.exceptions)
    return f"{type(error).__name__}: {error}"


def first(error: BaseException, kind: type[BaseException]) -> Any:
    """The first error of a kind in a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        found = (first(inner, kind) for inner in error.exceptions)
        return next((inner for inner in found if inner is not None), None)
    return error if isinstance(error, kind) else None


def arguments(about: str) -> argparse.ArgumentParser:
    """The options that all drivers have. The defaults are the operations of the demo."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("url", help="the MCP endpoint, like http://127.0.0.1:8080/mcp")
    parser.add_argument("key", help="the API key of an agent that may read and not delete")
    parser.add_argument("--read", default="orders_get_order", help="a tool it may call")
    parser.add_argument("--refused", default="orders_delete_order", help="a tool it may not call")
    parser.add_argument("--fail", default="orders_fail", help="a tool whose upstream answers 500")
    parser.add_argument("--slow", default="orders_slow", help="a tool that takes its time")
    parser.add_argument("--slow-arguments", default='{"seconds": 10}', metavar="JSON")
    parser.add_argument("--slow-seconds", type=float, default=8.0, help="it takes longer than this")
    parser.add_argument("--order", default="1001", help="the id of an order that is there")
    parser.add_argument("--protocol", help="the revision that must be spoken")
    return parser
