//! What a program may do in a person's name: all that its grants which are good allow together.

use std::collections::BTreeSet;

use model::{ProfileId, Timestamp, TokenBounds, TokenScopes};
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
    parts: BTreeSet<Part>,
}

/// What one grant allows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    profile: String,
    resource: String,
    /// None: all that the profile may do.
    scope: Option<String>,
}

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
        let mut parts = BTreeSet::new();
        for Alike { profile, body, expires: _ } in good {
            let body: GrantBody = serde_json::from_str(&body).unwrap_or_default();
            client_name = body.client_name;
            parts.insert(Part { profile, resource: body.resource, scope: body.scope });
        }
        if parts.is_empty() {
            let ConsentBody { client_name: _, host: _, profile, resource, scope } = last.clone();
            parts.insert(Part { profile, resource, scope });
        }
        Ok(Self { client_name, until, parts })
    }

    /// The scopes of all of it; none where any of it is all that its profile may do.
    pub(crate) fn scopes(&self) -> Option<TokenScopes> {
        let each = self.parts.iter().map(|it| it.scope.as_deref());
        let each: Vec<_> = each.collect::<Option<_>>()?;
        let each = each.into_iter().filter_map(|it| TokenScopes::parse(it).ok());
        Some(each.flat_map(|it| it.iter().cloned().collect::<Vec<_>>()).collect())
    }

    /// The operations that could be called by it today.
    pub(crate) fn permitted(&self, server: &Server) -> Vec<Permitted> {
        let tables = server.tables();
        let of = |part: &Part| {
            let profile = ProfileId::parse(&part.profile).ok()?;
            // What is for something that is not here any more is good for nothing.
            let audience = tables.resources.audience(&part.resource)?;
            let scopes = part.scope.as_deref().map(TokenScopes::parse).transpose().ok()?;
            Some(server.plane.permitted(&profile, &TokenBounds { audience, scopes }))
        };
        self.parts.iter().filter_map(of).flatten().collect()
    }
}
