//! What the data plane promises, through real sockets: one binary, a file for each promise.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::excessive_nesting,
    clippy::indexing_slicing,
    reason = "tests end where they break"
)]

#[path = "promises/answers.rs"]
mod answers;
#[path = "promises/any_document.rs"]
mod any_document;
#[path = "promises/below.rs"]
mod below;
#[path = "promises/bodies.rs"]
mod bodies;
#[path = "promises/broken_off.rs"]
mod broken_off;
#[path = "promises/browsers.rs"]
mod browsers;
#[path = "promises/certificates.rs"]
mod certificates;
#[path = "promises/compile_fail.rs"]
mod compile_fail;
#[path = "promises/connections.rs"]
mod connections;
#[path = "promises/contents.rs"]
mod contents;
#[path = "promises/cut_off.rs"]
mod cut_off;
#[path = "promises/garbage.rs"]
mod garbage;
#[path = "promises/guards.rs"]
mod guards;
#[path = "promises/guesses.rs"]
mod guesses;
#[path = "promises/levels.rs"]
mod levels;
#[path = "promises/lists.rs"]
mod lists;
#[path = "promises/naughty.rs"]
mod naughty;
// The same texts as for the formats of events.
#[path = "../../audit/src/format/tests/naughty_strings.rs"]
mod naughty_strings;
#[path = "promises/one_decision.rs"]
mod one_decision;
#[path = "promises/people.rs"]
mod people;
#[path = "promises/protected_resource.rs"]
mod protected_resource;
#[path = "promises/proxies.rs"]
mod proxies;
#[path = "promises/records.rs"]
mod records;
#[path = "promises/redaction.rs"]
mod redaction;
#[path = "promises/required.rs"]
mod required;
#[path = "promises/sender_constrained.rs"]
mod sender_constrained;
#[path = "promises/shop.rs"]
mod shop;
#[path = "promises/signer.rs"]
mod signer;
#[path = "promises/stops.rs"]
mod stops;
#[path = "promises/strangers.rs"]
mod strangers;
#[path = "promises/successive.rs"]
mod successive;
#[path = "promises/surfaces.rs"]
mod surfaces;
#[path = "promises/tls.rs"]
mod tls;
#[path = "promises/told.rs"]
mod told;
