"""`alma-mcp`: without a subcommand the pump that an MCP client starts, else the command line."""
