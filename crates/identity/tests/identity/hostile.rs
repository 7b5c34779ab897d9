//! A table of tokens that are refused, each for the reason that it was made to have.

use crate::house::{House, refused};

mod claims;
mod forms;
mod headers;
mod signatures;

/// A table's row: what was done, the token, and what the record must say.
type Row = (String, String, &'static str);

/// First the good token, so that no row is refused for a reason it shares with all.
async fn check(house: &House, good: &str, rows: impl IntoIterator<Item = Row>) {
    let directory = house.directory();
    assert!(house.token(&directory, good).await.is_ok(), "the good token is not accepted");
    for (what, token, want) in rows {
        assert_ne!(token, good, "{what} changed nothing");
        println!("{what}");
        refused(house.token(&directory, &token).await, want, &token);
    }
}

fn row(what: impl Into<String>, token: impl Into<String>, want: &'static str) -> Row {
    (what.into(), token.into(), want)
}
