//! An access token of this door that a client brings to have it exchanged.

use identity::own_token::{ACTORS_MAX, CLAIM, GIVERS_MAX};
use model::{Audience, ProfileId, Timestamp, TokenBinding, TokenScope, TokenScopes};
use serde_json::{Map, Value};

use crate::{
    Request, Server, client,
    error::{Code, Denied},
    introspect,
    possession::{Confirmation, Held},
};

/// An access token of this door that was verified, and holds with all that it was given by.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) profile: ProfileId,
    pub(super) resource: String,
    pub(super) audience: Audience,
    /// None: all of the profile.
    pub(super) scopes: Option<TokenScopes>,
    pub(super) expires: Timestamp,
    /// What ends it: its grant, else it itself.
    pub(super) grant: String,
    confirmation: Confirmation,
    claims: Map<String, Value>,
}

impl Subject {
    /// Reads the token that stands in the parameter `name`.
    ///
    /// # Errors
    /// `invalid_request` where it is none, or holds no longer (RFC 8693 section 2.2.2).
    pub(super) async fn read(
        server: &Server,
        request: &Request,
        (name, token): (&'static str, &str),
        held: &Held,
    ) -> Result<Self, Denied> {
        let invalid = |cause: &str| {
            let detail = format!("the {name} is no valid access token of this door");
            Denied::new(Code::InvalidRequest, detail).because(cause)
        };
        let claims = introspect::claims(server, token, request).await?;
        let claims = claims.ok_or_else(|| invalid("it is not of this door, or has expired"))?;
        let confirmation = Confirmation::of_claim(claims.get("cnf")).map_err(invalid)?;
        server.plane.admits(&claims, request.at).map_err(|it| invalid(&it))?;
        // Only who may show it may have it exchanged.
        if !held.fulfils(&confirmation) {
            return Err(invalid("it is bound to something that was not proved"));
        }
        Self::of_claims(server, claims, confirmation).map_err(invalid)
    }

    fn of_claims(
        server: &Server,
        claims: Map<String, Value>,
        confirmation: Confirmation,
    ) -> Result<Self, &'static str> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let own = |name: &str| claims.get(CLAIM)?.get(name)?.as_str();
        let jti = text("jti").ok_or("it has no jti")?;
        let profile = own("profile").and_then(|it| ProfileId::parse(it).ok());
        let profile = profile.ok_or("it names no profile")?;
        let resource = text("aud").ok_or("it has no aud, or several")?.to_owned();
        let audience = server.tables().resources.audience(&resource).ok_or("its aud is gone")?;
        let scopes = text("scope").map(TokenScopes::parse).transpose();
        let expires = claims.get("exp").and_then(Value::as_i64).ok_or("it has no exp")?;
        Ok(Self {
            resource,
            audience,
            scopes: scopes.map_err(|_| "its scope is broken")?,
            expires: Timestamp::from_seconds(expires),
            grant: own("grant").unwrap_or(jti).to_owned(),
            profile,
            confirmation,
            claims,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// What it is bound by.
    pub(super) fn bindings(&self) -> impl Iterator<Item = TokenBinding> {
        let all = [TokenBinding::Dpop, TokenBinding::Mtls];
        all.into_iter().filter(|it| self.confirmation.is_bound_by(*it))
    }

    /// Whom it is about.
    pub(super) fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// The person it acts for; none where its client acts for itself, or for another client.
    pub(super) fn person(&self) -> Option<&str> {
        // Clients that get tokens for themselves are called as their profiles are, and no person is.
        self.subject().filter(|it| Some(*it) != self.client() && ProfileId::parse(it).is_err())
    }

    /// By what it was given, and each token that it was exchanged for: what comes of it ends with that.
    ///
    /// # Errors
    /// `invalid_request` where these would be too many.
    pub(super) fn givers(&self) -> Result<Vec<Value>, Denied> {
        let mut givers = earlier(&self.claims).to_vec();
        if givers.len() >= GIVERS_MAX {
            let detail =
                format!("one token after the other was exchanged more than {GIVERS_MAX} times");
            return Err(Denied::new(Code::InvalidRequest, detail));
        }
        let own = self.claims.get(CLAIM);
        let members = ["profile", "credential", "admission", "rule"];
        let members =
            members.iter().filter_map(|it| Some(((*it).to_owned(), own?.get(it)?.clone())));
        let mut giver: Map<String, Value> = members.collect();
        giver.extend(self.claims.get("jti").map(|it| ("token".to_owned(), it.clone())));
        givers.push(Value::Object(giver));
        Ok(givers)
    }

    /// To whom it was given.
    pub(super) fn client(&self) -> Option<&str> {
        self.text("client_id")
    }

    /// Whether it carries what its profile may do by a role, where it is shown for `audience`.
    pub(super) fn carries(&self, role: &model::RoleId, audience: &Audience) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        let is_of_collection = |it: &TokenScope| match (it, audience) {
            (TokenScope::Collection(one), Audience::Collection(other)) => one == other,
            (TokenScope::Collection(_), Audience::Door) | (TokenScope::Role(_), _) => false,
        };
        scopes.has_role(role) || scopes.iter().any(is_of_collection)
    }

    /// Whether it says nobody else than `client` may act by it (RFC 8693 section 4.4).
    pub(super) fn check_may_act(&self, client: &str, door: &str) -> Result<(), Denied> {
        match may_act(&self.claims, client, door) {
            true => Ok(()),
            false => {
                let detail = "the subject_token names another who may act by it";
                Err(Denied::new(Code::InvalidRequest, detail))
            }
        }
    }

    /// Who acted by it before `client` does.
    ///
    /// # Errors
    /// `invalid_request` where there would be too many.
    pub(super) fn earlier_actors(&self, client: &str) -> Result<Option<&Value>, Denied> {
        earlier_actors(&self.claims, client).ok_or_else(|| {
            let detail = format!("more than {ACTORS_MAX} would act one for another");
            Denied::new(Code::InvalidRequest, detail)
        })
    }
}

/// What a token says of those that it was exchanged for.
fn earlier(claims: &Map<String, Value>) -> &[Value] {
    let said = claims.get(CLAIM).and_then(|it| it.get("givers")).and_then(Value::as_array);
    said.map(Vec::as_slice).unwrap_or_default()
}

fn may_act(claims: &Map<String, Value>, client: &str, door: &str) -> bool {
    let Some(may_act) = claims.get("may_act") else { return true };
    let is = |name: &str, want: &str| may_act.get(name).map(|it| it.as_str() == Some(want));
    let (named, is_ours) = ([is("sub", client), is("client_id", client)], is("iss", door));
    // Whoever is named in no way that we know is not the one who asks.
    named.contains(&Some(true)) && !named.contains(&Some(false)) && is_ours != Some(false)
}

/// The chain that `client` is put in front of; none of the two where that would be too long.
fn earlier_actors<'a>(claims: &'a Map<String, Value>, client: &str) -> Option<Option<&'a Value>> {
    let mut chain = claims.get("act");
    // Who acts already does not act for itself.
    if chain.and_then(|it| it.get("sub")).and_then(Value::as_str) == Some(client) {
        chain = chain.and_then(|it| it.get("act"));
    }
    let actors = std::iter::successors(chain, |it| it.get("act")).count();
    (actors < ACTORS_MAX).then_some(chain)
}

/// A token that shows who acts: the client that asks, and nobody else.
pub(super) async fn check_actor(
    server: &Server,
    request: &Request,
    (token, kind): (Option<&str>, Option<&str>),
    proven: &client::Proven,
) -> Result<(), Denied> {
    let invalid = |detail: &'static str| Denied::new(Code::InvalidRequest, detail);
    let Some(token) = token else {
        return match kind {
            Some(_) => Err(invalid("there is an actor_token_type and no actor_token")),
            None => Ok(()),
        };
    };
    if !kind.is_some_and(|it| super::exchange::TYPES.contains(&it)) {
        return Err(invalid("actor_token_type has to be that of an access token"));
    }
    let actor = Subject::read(server, request, ("actor_token", token), &proven.held).await?;
    if actor.client() != Some(&proven.client.id) || actor.subject() != actor.client() {
        return Err(invalid("the actor_token has to be one of the client for itself"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_who_is_named_may_act_where_somebody_is_named() {
        for (value, want) in [
            (json!({}), true),
            (json!({"may_act": {"sub": "batch/main"}}), true),
            (json!({"may_act": {"sub": "batch/main", "iss": "https://door.example"}}), true),
            (json!({"may_act": {"client_id": "batch/main"}}), true),
            (json!({"may_act": {"sub": "batch/other"}}), false),
            (json!({"may_act": {"sub": "batch/main", "client_id": "x"}}), false),
            (json!({"may_act": {"sub": "batch/main", "iss": "https://other.example"}}), false),
            (json!({"may_act": {"sub": ["batch/main"]}}), false),
            (json!({"may_act": {}}), false),
            (json!({"may_act": null}), false),
        ] {
            let got = may_act(&claims(&value), "batch/main", "https://door.example");
            assert_eq!(got, want, "{value}");
        }
    }

    #[test]
    fn actors_are_a_chain_that_ends() {
        let deep =
            |depth| (0..depth).fold(json!({"sub": "a"}), |act, _| json!({"sub": "b", "act": act}));
        let of = |depth, client: &str| {
            let claims = claims(&json!({"act": deep(depth)}));
            earlier_actors(&claims, client).map(|it| it.cloned())
        };
        assert_eq!(of(0, "c"), Some(Some(json!({"sub": "a"}))));
        assert_eq!(of(0, "a"), Some(None));
        assert_eq!(of(3, "c"), Some(Some(deep(3))));
        assert_eq!(of(4, "c"), None);
        assert_eq!(of(4, "b"), Some(Some(deep(3))));
        assert_eq!(earlier_actors(&Map::new(), "c"), Some(None));
    }
}
