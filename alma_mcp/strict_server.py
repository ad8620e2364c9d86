"""An MCP server that takes no argument that a tool does not have, and says our errors as tool errors."""

import inspect
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult

from alma_mcp.errors import AlmaError

CallContext = Context[Any, Any]


class StrictServer(MCPServer[Any]):
    """Refuses arguments that a tool does not take. `on_call` is told of every call of a tool."""

    on_call: Callable[[CallContext], None] | None = None

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: CallContext | None = None
    ) -> CallToolResult | InputRequiredResult:
        if self.on_call and context:
            self.on_call(context)
        schema = self._tool_input_schema(name)
        if schema is not None:
            known = list(schema.get("properties", {}))
            unknown = [argument for argument in arguments if argument not in known]
            if unknown:
                raise ToolError(f"`{name}` takes no `{unknown[0]}`; it takes: {', '.join(known) or 'nothing'}.")
        return await super().call_tool(name, arguments, context)

    def make_terse(self) -> None:
        """Close the schemas of all tools, and take what costs tokens in every prompt and tells nothing out of them."""
        for tool in self._tool_manager.list_tools():
            tool.description = inspect.cleandoc(tool.description)
            tool.parameters = _terse(tool.parameters)


class said:  # noqa: N801 - reads as a phrase where it is used
    """Says one of our errors to the model as a tool error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AlmaError):
            raise ToolError(str(error)) from error


def _terse(parameters: dict[str, Any]) -> dict[str, Any]:
    """A closed schema without the titles, which repeat the names."""
    properties = {
        name: {key: value for key, value in schema.items() if key != "title"}
        for name, schema in parameters["properties"].items()
    }
    kept = {key: value for key, value in parameters.items() if key != "title"}
    return {**kept, "properties": properties, "additionalProperties": False}
