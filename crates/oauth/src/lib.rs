//! The authorization server: who may have a token of this door, and on what terms.

mod page;
