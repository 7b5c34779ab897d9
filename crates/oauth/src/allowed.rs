//! What a program may do in a person's name: all that its grants which are good allow together.

use std::collections::{BTreeMap, BTreeSet};

use model::{ProfileId, Timestamp, TokenBounds, TokenScope, TokenScopes};
use store::Alike;

use crate::{Permitted, Server, authorize::account::ConsentBody, token::GrantBody};

/// Most grants of one program that are looked at, of those that differ.
const ALIKE_MAX: u32 = 1_000;

/// What a program may do in a person's name. A consent alone does not say it: there is one for each
/// program, and it has what was allowed last, while what was allowed before goes on.
#[derive(Debug)]
pub(crate) struct Allowed {
    /// What the program calls itself; nothing where no grant of its is good.
    pub(crate) client_name: String,
    /// When the last of it ends by itself; none where no grant is good.
    pub(crate) until: Option<Timestamp>,
    parts: Parts,
}

/// By profile and resource, the scopes of all grants for these; none: all that the profile may do. To
/// see what they permit is to look at every operation there is: so once for all, and not for each grant.
type Parts = BTreeMap<(String, String), Option<BTreeSet<TokenScope>>>;

impl Allowed {
    /// What `client` may do for `subject` by all of its grants that are good. Where there is none, what
    /// was allowed at `last`.
    pub(crate) async fn of(
        server: &Server,
        (subject, client): (&str, &str),
        last: &ConsentBody,
        now: Timestamp,
    ) -> Result<Self, store::Error> {
        let good = server.store.good_grants(subject, client, (now, ALIKE_MAX)).await?;
        let until = good.iter().map(|it| it.expires).max();
        let mut client_name = String::new();
        let mut parts = Parts::new();
        for Alike { profile, body, expires: _ } in good {
            let body: GrantBody = serde_json::from_str(&body).unwrap_or_default();
            client_name = body.client_name;
            add(&mut parts, (profile, body.resource), body.scope.as_deref());
        }
        if parts.is_empty() {
            let ConsentBody { client_name: _, host: _, profile, resource, scope } = last.clone();
            add(&mut parts, (profile, resource), scope.as_deref());
        }
        Ok(Self { client_name, until, parts })
    }

    /// The scopes of all of it; none where any of it is all that its profile may do.
    pub(crate) fn scopes(&self) -> Option<TokenScopes> {
        let each: Vec<_> = self.parts.values().map(Option::as_ref).collect::<Option<_>>()?;
        Some(each.into_iter().flatten().cloned().collect())
    }

    /// The operations that could be called by it today.
    pub(crate) fn permitted(&self, server: &Server) -> Vec<Permitted> {
        let tables = server.tables();
        let mut permitted = Vec::new();
        for ((profile, resource), scopes) in &self.parts {
            let Ok(profile) = ProfileId::parse(profile) else { continue };
            // What is for something that is not here any more is good for nothing.
            let Some(audience) = tables.resources.audience(resource) else { continue };
            let scopes = scopes.as_ref().map(|it| it.iter().cloned().collect());
            permitted.extend(server.plane.permitted(&profile, &TokenBounds { audience, scopes }));
        }
        permitted
    }
}

/// Adds what one grant allows. Scopes that are none allow nothing.
fn add(parts: &mut Parts, of: (String, String), scope: Option<&str>) {
    let allowed = parts.entry(of).or_insert_with(|| Some(BTreeSet::new()));
    match scope.map(|it| TokenScopes::parse(it).unwrap_or_default()) {
        Some(more) => {
            if let Some(scopes) = allowed {
                scopes.extend(more.iter().cloned());
            }
        }
        None => *allowed = None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_grants_allow_is_as_many_parts_as_there_are_things_that_they_are_for() {
        let mut parts = Parts::new();
        let mut give = |resource: &str, scope: Option<&str>| {
            add(&mut parts, ("a/b".to_owned(), resource.to_owned()), scope);
        };
        for number in 0..100 {
            give("x", Some(&format!("role:all role:r{number}")));
        }
        give("x", Some("no scope"));
        give("y", Some("role:all"));
        give("y", None);
        give("y", Some("role:all"));
        let counts = parts.iter().map(|(of, scopes)| (&*of.1, scopes.as_ref().map(BTreeSet::len)));
        assert_eq!(counts.collect::<Vec<_>>(), [("x", Some(101)), ("y", None)]);
    }
}
