//! What tokens of the door's own authorization server are like, in words that who makes them and who
//! checks them share.

/// The `typ` in their header (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";

/// The claim that holds what only this door has a word for.
pub const CLAIM: &str = "onedoor";

/// Most tokens that one was exchanged for, one after the other.
pub const GIVERS_MAX: usize = 8;

/// Most who act one for another.
pub const ACTORS_MAX: usize = 5;
