"""Drives the door with the official MCP client 1.x: the eras that begin with `initialize`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import httpx
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client

from checks import Answer, Connected, Peer, Run, Tool, arguments, first


class Peer1(Peer):
    """A session of the 1.x client."""

    def __init__(self, session: ClientSession, connected: Connected) -> None:
        self.session = session
        self.connected = connected

    async def list_tools(self) -> list[Tool]:
        tools: list[Tool] = []
        cursor: str | None = None
        while True:
            params = types.PaginatedRequestParams(cursor=cursor)
            page = await self.session.list_tools(params=params)
            tools += [shown(tool) for tool in page.tools]
            cursor = page.nextCursor
            if cursor is None:
                return tools

    async def call(self, name: str, arguments: dict[str, Any]) -> Answer:
        try:
            result = await self.session.call_tool(name, arguments)
        except McpError as error:
            return Answer(is_error=True, text=error.error.message, code=error.error.code)
        text = "".join(it.text for it in result.content if isinstance(it, types.TextContent))
        return Answer(result.isError, text, result.structuredContent)

    async def call_and_cancel(self, name: str, arguments: dict[str, Any], seconds: float) -> None:
        # This client counts its requests and gives nobody the number; it is the next one.
        request_id = self.session._request_id
        call = asyncio.create_task(self.session.call_tool(name, arguments))
        await asyncio.wait([call], timeout=seconds)
        if call.done():
            raise RuntimeError(f"{name} ended before it was cancelled: {call}")
        params = types.CancelledNotificationParams(requestId=request_id, reason="given up")
        notification = types.CancelledNotification(params=params)
        await self.session.send_notification(types.ClientNotification(notification))
        # The server may answer with an error or not at all; both end the call for us.
        await asyncio.wait([call], timeout=seconds)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


def shown(tool: types.Tool) -> Tool:
    annotations = tool.annotations.model_dump(exclude_none=True) if tool.annotations else {}
    return Tool(tool.name, tool.inputSchema, annotations)


def describe_failure(error: BaseException) -> Answer | None:
    """What the client says when it is turned away: the error of HTTP, from within its tasks."""
    status = first(error, httpx.HTTPStatusError)
    if status is not None:
        code = status.response.status_code
        return Answer(True, str(status), status=code) if code == 401 else None
    refused = first(error, McpError)
    if refused is not None:
        return Answer(True, refused.error.message, code=refused.error.code)
    return None


async def main() -> int:
    options = arguments(__doc__).parse_args()

    @asynccontextmanager
    async def connect(key: str | None) -> AsyncIterator[Peer]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as http_client,
            streamable_http_client(options.url, http_client=http_client) as (reader, writer, _),
            ClientSession(reader, writer) as session,
        ):
            result = await session.initialize()
            yield Peer1(session, Connected(str(result.protocolVersion), result.serverInfo.name))

    run = Run(f"mcp {version('mcp')}", "legacy", options, connect, describe_failure)
    await run.all()
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
