"""Drives the door with the official MCP client 2.x: both eras, as --mode says."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent, Tool as McpTool

from checks import Answer, Connected, Peer, Run, Tool, arguments, first


class Peer2(Peer):
    """A connection of the 2.x client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        server = client.server_info
        self.connected = Connected(client.protocol_version, server.name if server else None)

    async def list_tools(self) -> list[Tool]:
        tools: list[Tool] = []
        cursor: str | None = None
        while True:
            # A cached answer would say nothing about the server.
            page = await self.client.list_tools(cursor=cursor, cache_mode="bypass")
            tools += [shown(tool) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools

    async def call(self, name: str, arguments: dict[str, Any]) -> Answer:
        try:
            result = await self.client.call_tool(name, arguments)
        except MCPError as error:
            return Answer(is_error=True, text=error.message, code=error.code)
        text = "".join(it.text for it in result.content if isinstance(it, TextContent))
        return Answer(bool(result.is_error), text, result.structured_content)

    async def call_and_cancel(self, name: str, arguments: dict[str, Any], seconds: float) -> None:
        # Cancelling the task is all: the client closes the request's stream in the era without
        # sessions, and sends notifications/cancelled in those with them.
        call = asyncio.create_task(self.client.call_tool(name, arguments))
        await asyncio.wait([call], timeout=seconds)
        if call.done():
            raise RuntimeError(f"{name} ended before it was cancelled: {call}")
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


def shown(tool: McpTool) -> Tool:
    annotations = {}
    if tool.annotations is not None:
        annotations = tool.annotations.model_dump(by_alias=True, exclude_none=True)
    return Tool(tool.name, tool.input_schema, annotations)


def describe_failure(error: BaseException) -> Answer | None:
    """What the client says when it is turned away: an error of the protocol, or of HTTP."""
    refused = first(error, MCPError)
    if refused is not None:
        return Answer(True, refused.message, code=refused.code)
    status = first(error, httpx2.HTTPStatusError)
    if status is not None and status.response.status_code == 401:
        return Answer(True, str(status), status=401)
    return None


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--mode", default="auto", help="auto, legacy, or a revision to begin with")
    options = parser.parse_args()

    @asynccontextmanager
    async def connect(key: str | None) -> AsyncIterator[Peer]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http_client:
            transport = streamable_http_client(options.url, http_client=http_client)
            async with Client(transport, mode=options.mode) as client:
                yield Peer2(client)

    run = Run(f"mcp {version('mcp')}", options.mode, options, connect, describe_failure)
    await run.all()
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
