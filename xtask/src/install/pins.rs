//! The versions of everything that is installed. Packages of npm are pinned in package.json.

use super::cargo::Tool;

/// Checks licences, sources, bans and advisories of dependencies.
pub(super) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Runs tests.
pub(super) const CARGO_NEXTEST: Tool = Tool { name: "cargo-nextest", version: "0.9.143" };

/// The official MCP client of the eras that begin with `initialize`.
pub(crate) const MCP_1: &str = "1.30.0";
/// The official MCP client of both eras.
pub(crate) const MCP_2: &str = "2.3.0";
/// The released schemas of OCSF, and what checks an event by one. `audit/src/format/tests` names the
/// version too.
pub(super) const OCSF_SCHEMA: [(&str, &str); 2] =
    [("ocsf-json-schema", "1.2.0"), ("jsonschema", "4.25.1")];
/// Calls an API with all that its OpenAPI document allows, and more.
pub(crate) const SCHEMATHESIS: &str = "4.32.5";
/// Makers of tokens, none of which has anything to do with another or with us. All are installed in
/// one environment, which is called by the first.
pub(crate) const TOKEN_MAKERS: [(&str, &str); 4] =
    [("joserfc", "1.8.0"), ("authlib", "1.9.10"), ("pyjwt", "2.15.1"), ("jwcrypto", "1.6.1")];
