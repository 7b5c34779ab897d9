//! The code that a device shows and a person types: short, so that typing it is no trouble.

use std::fmt;

use aws_lc_rs::rand;
use store::Digest;

use crate::{
    Server,
    error::{Code, Denied},
};

/// No vowels, so that no words come of it, and no digits (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters it has: 34 bits.
const LENGTH: usize = 8;

/// The largest multiple of the number of letters in a byte: from here on a byte would favour some.
const FAIR: u8 = 240;

/// A code of letters that are hard to mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserCode(String);

impl UserCode {
    /// A new one.
    ///
    /// # Errors
    /// `server_error` where the system gives no random bytes.
    pub(crate) fn random() -> Result<Self, Denied> {
        let mut bytes = [0; 64];
        let none = || Denied::new(Code::ServerError, "the system gives no random bytes");
        rand::fill(&mut bytes).map_err(|_| none())?;
        let fair = bytes.into_iter().filter(|it| *it < FAIR);
        let letters = fair.filter_map(|it| LETTERS.iter().cycle().nth(it.into()));
        let code: String = letters.take(LENGTH).map(|it| char::from(*it)).collect();
        if code.len() == LENGTH { Ok(Self(code)) } else { Err(none()) }
    }

    /// What somebody typed, where it can be one, however they wrote it.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|it| !it.is_whitespace() && *it != '-');
        let code: String =
            letters.take(LENGTH.saturating_add(1)).map(|it| it.to_ascii_uppercase()).collect();
        let is_code = code.len() == LENGTH && code.bytes().all(|it| LETTERS.contains(&it));
        is_code.then_some(Self(code))
    }

    /// What the store knows it by. Of so few letters a hash alone could be turned back.
    pub(crate) fn digest(&self, server: &Server) -> Digest {
        server.pepper.hash(&self.text()).hmac
    }

    /// All that the store may know it by: it may have been made under a pepper before the newest.
    pub(crate) fn digests(&self, server: &Server) -> Vec<Digest> {
        server.pepper.hashes(&self.text()).into_iter().map(|it| it.hmac).collect()
    }

    fn text(&self) -> String {
        format!("user code\0{}", self.0)
    }

    /// Without the dash.
    pub(crate) fn letters(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = self.0.split_at_checked(LENGTH / 2).unwrap_or((&self.0, ""));
        write!(f, "{one}-{other}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_written() {
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        for typed in
            ["wdjbmjht", " WdJb mjht\n", "w-d-j-b-m-j-h-t", "WDJB‐MJHT".replace('‐', "-").as_str()]
        {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
        assert_eq!((code.to_string(), code.letters()), ("WDJB-MJHT".to_owned(), "WDJBMJHT"));
        for typed in
            ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "WDJB-MJHſ", "ẞDJBMJH"]
        {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(&"B".repeat(100_000)), None);
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..2_000 {
            let code = UserCode::random().unwrap();
            assert_eq!(UserCode::parse(&code.to_string()), Some(code.clone()));
            code.letters().chars().for_each(|it| *counts.entry(it).or_insert(0_u32) += 1);
        }
        assert_eq!(counts.len(), 20, "{counts:?}");
        // 800 of each on average: none is further away than chance would take it once in an age.
        assert!(counts.values().all(|it| (600..1_000).contains(it)), "{counts:?}");
    }
}
