//! Who makes what clients show, where the door does not: an authority for certificates, and two issuers.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{Authority, ClientKey};

use super::{super::victims::AUDIENCE, held::Kind};

/// What the door calls the issuers.
const ISSUERS: [&str; 2] = ["first", "second"];

/// Who makes what clients show.
#[derive(Debug)]
pub(super) struct Makers {
    /// Who makes the certificates, where there are any: of the doors and of their callers.
    pub(super) authority: Option<Authority>,
    /// What each issuer signs with.
    issuers: [ClientKey; 2],
}

/// A token of an issuer.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) token: String,
    /// What the door calls who issued it.
    pub(super) issuer: &'static str,
}

impl Makers {
    pub(super) fn new(kinds: &[Kind]) -> Self {
        let authority = kinds.contains(&Kind::Mtls).then(Authority::new);
        Self { authority, issuers: [ClientKey::new(), ClientKey::new()] }
    }

    /// The documents by which the door trusts the issuers.
    pub(super) fn files(&self) -> BTreeMap<String, String> {
        let document = |(name, key): (&str, &ClientKey)| {
            let document = json!({
                "issuer": url(name), "audiences": [AUDIENCE], "algorithms": ["EdDSA"],
                "jwks": key.jwks(),
            });
            (format!("issuers/{name}.yaml"), document.to_string())
        };
        ISSUERS.into_iter().zip(&self.issuers).map(document).collect()
    }

    /// A token that says that its client is `client`, of one issuer and the other in turn.
    pub(super) fn token(&self, client: &str, turn: usize) -> Result<Issued> {
        let mut issuers = ISSUERS.into_iter().zip(&self.issuers);
        let (issuer, key) = issuers.nth(turn % 2).context("there are two")?;
        Ok(Issued { token: key.access_token(&url(issuer), client, AUDIENCE), issuer })
    }
}

/// How an issuer calls itself.
fn url(name: &str) -> String {
    format!("https://{name}.example")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_of_another_issuer_that_the_door_trusts() {
        let makers = Makers::new(&[Kind::External]);
        let issuers = [0, 1, 2].map(|turn| makers.token("client", turn).unwrap().issuer);
        assert_eq!(issuers, ["first", "second", "first"]);
        let files: Vec<_> = makers.files().into_keys().collect();
        assert_eq!(files, ["issuers/first.yaml", "issuers/second.yaml"]);
    }
}
