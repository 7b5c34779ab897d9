//! Management operations, each defined once: REST, MCP tool and CLI follow from it.
