//! Where each member of a line goes in each format: the one table behind all of them.

use super::Format;

/// How the value of a member is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is: a text, a number, a list of texts.
    Plain,
    /// As a text, whatever it is: a keyword of ECS or a string of OCSF.
    Text,
    /// As the text of its JSON, since its names are the caller's and may be any number.
    Json,
    /// As a time.
    Time,
    /// Microseconds, which become the unit of the format.
    Micros,
}

/// One member and its places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// A path of OCSF. Where the class has no such attribute, it is `unmapped.` and the name.
    pub(super) ocsf: &'static str,
    /// A path of ECS; what ECS has no field for is under `onedoor`.
    pub(super) ecs: &'static str,
    /// A key of CEF's dictionary, or one of ours, which begins with `onedoor`.
    pub(super) cef: &'static str,
    /// So many bytes CEF has at most for the value.
    pub(super) cef_bytes_max: usize,
}

impl Member {
    /// Its place in this format: a path, or the key of CEF.
    pub(super) fn place(&self, format: Format) -> &'static str {
        match format {
            Format::Cef => self.cef,
            Format::Ecs => self.ecs,
            Format::Native => self.name,
            Format::Ocsf | Format::OcsfIntegrity => self.ocsf,
        }
    }
}

const fn to(
    name: &'static str,
    shape: Shape,
    [ocsf, ecs, cef]: [&'static str; 3],
    cef_bytes_max: usize,
) -> Member {
    Member { name, shape, ocsf, ecs, cef, cef_bytes_max }
}

use Shape::{Json, Micros, Plain, Text, Time};

/// Room for a value under a key of ours.
const OURS: usize = 4000;

/// Every member that a line has: those of the frame, of a record, and of the header of a segment.
#[rustfmt::skip]
pub(super) const MEMBERS: [Member; 78] = [
    // The frame. `prev` is known of a header, and of others from whoever reads the log in order.
    to("seq", Plain, ["metadata.sequence", "event.sequence", "onedoorSequence"], 20),
    to("hash", Text, ["metadata.uid", "event.hash", "onedoorHash"], 64),
    to("crc", Text, ["unmapped.crc", "onedoor.crc", "onedoorCrc"], 8),
    to("prev", Text, ["unmapped.prev", "onedoor.prev", "onedoorPrev"], 64),
    // The record.
    to("time", Time, ["metadata.original_time", "@timestamp", "rt"], 40),
    to("id", Text, ["metadata.correlation_uid", "http.request.id", "onedoorRequest"], 64),
    to("trace", Text, ["unmapped.trace", "trace.id", "onedoorTrace"], 64),
    to("parent", Text, ["unmapped.parent", "onedoor.parent", "onedoorParent"], 64),
    to("kind", Text, ["unmapped.kind", "onedoor.kind", "onedoorKind"], 64),
    to("event", Text, ["metadata.event_code", "event.code", "cat"], 1023),
    to("note", Text, ["message", "message", "msg"], 1023),
    to("node", Text, ["unmapped.node", "service.node.name", "onedoorNode"], OURS),
    to("boot", Text, ["unmapped.boot", "onedoor.boot", "onedoorBoot"], 64),
    to("surface", Text, ["unmapped.surface", "onedoor.surface", "onedoorSurface"], 64),
    to("entrance", Text, ["unmapped.entrance", "onedoor.entrance", "onedoorEntrance"], 64),
    to("protocol", Text, ["unmapped.protocol", "onedoor.protocol", "app"], 31),
    to("peer", Text, ["src_endpoint.ip", "source.ip", "src"], 64),
    to("peer_port", Plain, ["src_endpoint.port", "source.port", "spt"], 5),
    to("tls", Text, ["unmapped.tls", "onedoor.tls", "onedoorTls"], 64),
    to("tls_cipher", Text, ["unmapped.tls_cipher", "tls.cipher", "onedoorTlsCipher"], 64),
    to("tls_name", Text, ["unmapped.tls_name", "tls.client.server_name", "onedoorTlsName"], OURS),
    to("tls_client", Text, ["unmapped.tls_client", "tls.client.hash.sha256", "onedoorTlsClient"], 64),
    to("revision", Text, ["policy.version", "rule.version", "onedoorRevision"], 20),
    to("client", Text, ["actor.app_uid", "onedoor.client", "suid"], 1023),
    to("client_kind", Text, ["unmapped.client_kind", "onedoor.client_kind", "onedoorClientKind"], 64),
    to("profile", Text, ["actor.app_name", "onedoor.profile", "onedoorProfile"], OURS),
    to("user", Text, ["actor.user.name", "user.name", "suser"], 1023),
    to("actors", Plain, ["unmapped.actors", "onedoor.actors", "onedoorActors"], OURS),
    to("credential", Text, ["actor.session.credential_uid", "onedoor.credential", "onedoorCredential"], OURS),
    to("credential_kind", Text, ["unmapped.credential_kind", "onedoor.credential_kind", "onedoorCredentialKind"], 64),
    to("token_kind", Text, ["unmapped.token_kind", "onedoor.token_kind", "onedoorTokenKind"], 64),
    to("token", Text, ["unmapped.token", "onedoor.token", "onedoorToken"], OURS),
    to("token_key", Text, ["unmapped.token_key", "onedoor.token_key", "onedoorTokenKey"], OURS),
    to("token_bound_to", Text, ["unmapped.token_bound_to", "onedoor.token_bound_to", "onedoorTokenBoundTo"], OURS),
    to("grant", Text, ["unmapped.grant", "onedoor.grant", "onedoorGrant"], OURS),
    to("auth_methods", Text, ["unmapped.auth_methods", "onedoor.auth_methods", "onedoorAuthMethods"], OURS),
    to("scopes", Text, ["unmapped.scopes", "onedoor.scopes", "onedoorScopes"], OURS),
    to("collection", Text, ["api.service.name", "onedoor.collection", "destinationServiceName"], 1023),
    to("operation", Text, ["api.operation", "onedoor.operation", "onedoorOperation"], OURS),
    to("effect", Text, ["unmapped.effect", "onedoor.effect", "onedoorEffect"], 64),
    to("method", Text, ["http_request.http_method", "http.request.method", "requestMethod"], 1023),
    to("path", Text, ["http_request.url.path", "url.path", "request"], 1023),
    to("rpc", Text, ["unmapped.rpc", "onedoor.rpc", "onedoorRpc"], OURS),
    to("tool", Text, ["unmapped.tool", "onedoor.tool", "onedoorTool"], OURS),
    to("tool_digest", Text, ["unmapped.tool_digest", "onedoor.tool_digest", "onedoorToolDigest"], 64),
    to("arguments", Json, ["unmapped.arguments", "onedoor.arguments", "onedoorArguments"], OURS),
    to("arguments_digest", Text, ["unmapped.arguments_digest", "onedoor.arguments_digest", "onedoorArgumentsDigest"], 64),
    to("arguments_found", Text, ["unmapped.arguments_found", "onedoor.arguments_found", "onedoorArgumentsFound"], 64),
    to("bytes_in", Plain, ["http_request.body_length", "http.request.body.bytes", "in"], 20),
    to("outcome", Text, ["unmapped.outcome", "onedoor.outcome", "outcome"], 63),
    to("decision", Text, ["unmapped.decision", "onedoor.decision", "act"], 63),
    to("reason", Text, ["status_code", "event.reason", "reason"], 1023),
    to("rule", Text, ["policy.name", "rule.name", "onedoorRule"], OURS),
    to("limit", Text, ["unmapped.limit", "onedoor.limit", "onedoorLimit"], OURS),
    to("limit_left", Plain, ["unmapped.limit_left", "onedoor.limit_left", "onedoorLimitLeft"], 20),
    to("limit_count", Plain, ["unmapped.limit_count", "onedoor.limit_count", "onedoorLimitCount"], 20),
    to("limit_window_s", Plain, ["unmapped.limit_window_s", "onedoor.limit_window_s", "onedoorLimitWindow"], 20),
    to("scopes_needed", Text, ["unmapped.scopes_needed", "onedoor.scopes_needed", "onedoorScopesNeeded"], OURS),
    to("detail", Text, ["status_detail", "error.message", "onedoorDetail"], OURS),
    to("cause", Text, ["unmapped.cause", "onedoor.cause", "onedoorCause"], OURS),
    to("status", Plain, ["http_response.code", "http.response.status_code", "onedoorStatus"], 20),
    to("bytes_out", Plain, ["http_response.body_length", "http.response.body.bytes", "out"], 20),
    to("answer_truncated", Plain, ["unmapped.answer_truncated", "onedoor.answer_truncated", "onedoorAnswerTruncated"], 5),
    to("bodies", Json, ["unmapped.bodies", "onedoor.bodies", "onedoorBodies"], OURS),
    to("upstream", Text, ["dst_endpoint.name", "destination.address", "onedoorUpstream"], OURS),
    to("upstream_ip", Text, ["dst_endpoint.ip", "destination.ip", "dst"], 64),
    to("upstream_port", Plain, ["dst_endpoint.port", "destination.port", "dpt"], 5),
    to("upstream_secret", Text, ["unmapped.upstream_secret", "onedoor.upstream_secret", "onedoorUpstreamSecret"], 64),
    to("upstream_secret_version", Plain, ["unmapped.upstream_secret_version", "onedoor.upstream_secret_version", "onedoorUpstreamSecretVersion"], 20),
    to("upstream_status", Plain, ["api.response.code", "onedoor.upstream_status", "onedoorUpstreamStatus"], 20),
    to("upstream_us", Plain, ["unmapped.upstream_us", "onedoor.upstream_us", "onedoorUpstreamUs"], 20),
    to("total_us", Micros, ["unmapped.total_us", "event.duration", "onedoorTotalUs"], 20),
    // The header of a segment.
    to("format", Plain, ["unmapped.format", "onedoor.format", "onedoorFormat"], 20),
    to("origin", Text, ["unmapped.origin", "onedoor.origin", "onedoorOrigin"], OURS),
    to("tree", Plain, ["unmapped.tree", "onedoor.tree", "onedoorTree"], OURS),
    to("open", Json, ["unmapped.open", "onedoor.open", "onedoorOpen"], OURS),
    to("unsynced_from", Plain, ["unmapped.unsynced_from", "onedoor.unsynced_from", "onedoorUnsyncedFrom"], 20),
    // Not of a line: the name of the log, for every event.
    to("log", Text, ["metadata.log_name", "onedoor.log", "onedoorLog"], OURS),
];

/// The places of a member; `None` for one that a newer door wrote.
pub(super) fn member(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|it| it.name == name)
}
