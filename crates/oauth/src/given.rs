//! What people and clients were given, for operators: listed, and ended at once.

use std::collections::BTreeMap;

use model::{Registration, Timestamp};
use store::{Grant, GrantFilter, TakenBack};

use crate::{
    Server, allowed::Allowed, authorize::account::ConsentBody, client, people, revocations,
    second_factor, ticket::Ticket, token::GrantBody,
};

/// Clients that are none: what stands on their grants are sessions and second factors.
pub(crate) const NO_CLIENTS: [&str; 2] = [people::SESSIONS, second_factor::FACTORS];

/// Which grants: all that is said has to fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrantsOf<'a> {
    /// The one of this id.
    pub id: Option<&'a str>,
    /// Those for this person: `local:ann`, `issuer:sub`.
    pub person: Option<&'a str>,
    /// Those of this client, as it knows itself.
    pub client: Option<&'a str>,
    /// Those with this profile.
    pub profile: Option<&'a str>,
}

/// What a client was given.
#[derive(Debug, Clone)]
pub struct GivenGrant {
    /// Its id.
    pub id: String,
    /// To whom, as it knows itself.
    pub client: String,
    /// What that calls itself. Hostile, but for a registered one.
    pub client_name: String,
    /// With which profile.
    pub profile: String,
    /// For whom; none where the client acts for itself.
    pub person: Option<String>,
    /// What its tokens are for.
    pub resource: String,
    /// What of the profile they carry; all of it where none.
    pub scope: Option<String>,
    /// By which admission, where the client is not registered.
    pub admission: Option<String>,
    /// When it was given.
    pub since: Timestamp,
    /// When its refresh token was last made anew, or made at first.
    pub refreshed: Option<Timestamp>,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
}

/// What a person allowed a client.
#[derive(Debug, Clone)]
pub struct GivenConsent {
    /// Who allowed it.
    pub person: String,
    /// To whom, as it knows itself.
    pub client: String,
    /// What that calls itself. Hostile, but for a registered one.
    pub client_name: String,
    /// Where the person was sent back to.
    pub host: String,
    /// With which profile, where it was allowed last.
    pub profile: String,
    /// What of the profile, by all of its grants that are good, else as it was allowed last; all of it
    /// where none.
    pub scope: Option<String>,
    /// When it was allowed last.
    pub since: Timestamp,
}

/// That a person is signed in in a browser.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Its id.
    pub id: String,
    /// Who.
    pub person: String,
    /// From which address it was begun.
    pub from: String,
    /// When.
    pub since: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// A client that nobody registered: it did so itself, or has a document and holds grants.
#[derive(Debug, Clone)]
pub struct SelfDescribed {
    /// Its id: the URL of its document, or what it was given when it registered itself.
    pub client: String,
    /// What it calls itself. Hostile.
    pub name: String,
    /// When it registered itself; none where it has a document.
    pub registered: Option<Timestamp>,
    /// When it was asked for last, to the hour; none where it has a document, or never was.
    pub used: Option<Timestamp>,
    /// When the secret ends that it was given; none where it was given none.
    pub secret_expires: Option<Timestamp>,
    /// How many grants of its are good.
    pub grants: u64,
    /// When the newest was given; none where none is good.
    pub newest: Option<Timestamp>,
}

impl<'a> GrantsOf<'a> {
    fn filter(self) -> GrantFilter<'a> {
        let Self { id: _, person, client, profile } = self;
        GrantFilter::Given { subject: person, client, profile, besides: &NO_CLIENTS }
    }

    /// Whether a grant that was found by its id is meant.
    fn has(&self, grant: &Grant) -> bool {
        let Self { id, person, client, profile } = *self;
        id.is_none_or(|it| grant.id == it)
            && person.is_none_or(|it| grant.subject.as_deref() == Some(it))
            && client.is_none_or(|it| grant.client == it)
            && profile.is_none_or(|it| grant.profile == it)
            && !NO_CLIENTS.contains(&grant.client.as_str())
    }
}

impl Server {
    /// Grants by id: at most `limit`, from the one behind `after` on. Those that were revoked or have
    /// expired are among them for a while.
    ///
    /// # Errors
    /// What the store says.
    pub async fn grants(
        &self,
        of: GrantsOf<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<GivenGrant>, store::Error> {
        let found = match of.id {
            Some(id) => self.store.grant(id).await?.into_iter().filter(|it| of.has(it)).collect(),
            None => self.store.grants(of.filter(), after, limit).await?,
        };
        let ids: Vec<_> = found.iter().map(|it| it.id.as_str()).collect();
        let refreshed = self.store.newest_handles(Ticket::Refresh.kind(), &ids).await?;
        let given = found.iter().map(|it| given(it, refreshed.get(&it.id).copied()));
        Ok(given.collect())
    }

    /// Ends grants, with all that came of them. The ids of those that were good until now.
    ///
    /// # Errors
    /// What the store says: then they may have ended or not.
    pub async fn revoke_grants(&self, of: GrantsOf<'_>) -> Result<Vec<String>, store::Error> {
        let filter = match of.id {
            Some(id) => {
                let found = self.store.grant(id).await?;
                if !found.is_some_and(|it| of.has(&it)) {
                    return Ok(Vec::new());
                }
                GrantFilter::One(id)
            }
            None => of.filter(),
        };
        revocations::end(self, filter, self.clock.now()).await
    }

    /// Consents by person and client: at most `limit`, from the one behind `after` on.
    ///
    /// # Errors
    /// What the store says.
    pub async fn consents(
        &self,
        person: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<GivenConsent>, store::Error> {
        let found = self.store.consents(person, after, limit).await?;
        let mut given = Vec::with_capacity(found.len());
        for one in found {
            given.push(consent(self, one).await?);
        }
        Ok(given)
    }

    /// What a person allowed a client, if anything.
    ///
    /// # Errors
    /// What the store says.
    pub async fn consent(
        &self,
        person: &str,
        client: &str,
    ) -> Result<Option<GivenConsent>, store::Error> {
        match self.store.consent(person, client).await? {
            Some(found) => Ok(Some(consent(self, found).await?)),
            None => Ok(None),
        }
    }

    /// Takes back what a person allowed a client, with all that came of it.
    ///
    /// # Errors
    /// What the store says: then it may be taken back or not.
    pub async fn revoke_consent(
        &self,
        person: &str,
        client: &str,
    ) -> Result<TakenBack, store::Error> {
        let now = self.clock.now();
        let gone = self.store.delete_consent(person, client, now).await?;
        revocations::tell_here(self, &gone.grants, now);
        Ok(gone)
    }

    /// Where people are signed in, by id: out of the next `limit` sessions behind `after`. And behind
    /// which one it goes on, where it does: those that have ended are left out.
    ///
    /// # Errors
    /// What the store says.
    pub async fn sign_ins(
        &self,
        person: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<SignedIn>, Option<String>), store::Error> {
        let filter = match person {
            Some(subject) => GrantFilter::SubjectAndClient { subject, client: people::SESSIONS },
            None => GrantFilter::Client(people::SESSIONS),
        };
        let found = self.store.grants(filter, after, limit).await?;
        let is_full = u32::try_from(found.len()).is_ok_and(|it| it >= limit);
        let last = found.last().filter(|_| is_full).map(|it| it.id.clone());
        let now = self.clock.now();
        let good = found.into_iter().filter(|it| is_good(it, now));
        Ok((good.map(signed_in).collect(), last))
    }

    /// Signs a person out, in one browser or in all. In how many they were signed in.
    ///
    /// # Errors
    /// What the store says: then they may be signed out or not.
    pub async fn end_sign_ins(
        &self,
        id: Option<&str>,
        person: Option<&str>,
    ) -> Result<usize, store::Error> {
        let now = self.clock.now();
        let filter = match (id, person) {
            (Some(id), _) => {
                let found = self.store.grant(id).await?.filter(|it| it.client == people::SESSIONS);
                let is_of = |it: &Grant| person.is_none_or(|of| it.subject.as_deref() == Some(of));
                if !found.as_ref().is_some_and(is_of) {
                    return Ok(0);
                }
                GrantFilter::One(id)
            }
            (None, Some(subject)) => {
                GrantFilter::SubjectAndClient { subject, client: people::SESSIONS }
            }
            (None, None) => return Ok(0),
        };
        Ok(revocations::end(self, filter, now).await?.len())
    }

    /// Clients that nobody registered, by id: those that did so themselves, and those with a document
    /// that hold grants which are good. At most `limit`, from the one behind `after` on.
    ///
    /// # Errors
    /// What the store says.
    pub async fn self_described(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<SelfDescribed>, store::Error> {
        let registered = format!("{}%", Registration::DYNAMIC_PREFIX);
        let ids = [&*registered, "https://%"];
        let holders = self.store.holders(ids, after, (self.clock.now(), limit)).await?;
        // Of both as many as there is room for: none of the first of all can be missing.
        let registrations = self.store.registrations(after, limit).await?;
        let by_id = registrations.into_iter().map(|it| (it.id.clone(), described(it)));
        let mut found: BTreeMap<String, SelfDescribed> = by_id.collect();
        for store::Holder { client, grants, newest } in holders {
            if let Some(known) = found.get_mut(&client) {
                known.grants = grants;
                known.newest = Some(newest);
                continue;
            }
            let one = self.store.grants(GrantFilter::Client(&client), None, 1).await?.pop();
            let holder = SelfDescribed {
                client: client.clone(),
                name: one.map(|it| body(&it).client_name).unwrap_or_default(),
                registered: None,
                used: None,
                secret_expires: None,
                grants,
                newest: Some(newest),
            };
            found.insert(client, holder);
        }
        let room = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(found.into_values().take(room).collect())
    }

    /// Forgets a client that registered itself, with all that it was given. It has to register anew, and
    /// is another one then.
    ///
    /// # Errors
    /// What the store says: then it may be forgotten or not.
    pub async fn delete_registration(&self, id: &str) -> Result<TakenBack, store::Error> {
        if !id.starts_with(Registration::DYNAMIC_PREFIX) {
            return Ok(TakenBack { was_there: false, grants: Vec::new() });
        }
        let now = self.clock.now();
        let gone = self.store.delete_registration(id, now).await?;
        revocations::tell_here(self, &gone.grants, now);
        Ok(gone)
    }
}

fn is_good(grant: &Grant, now: Timestamp) -> bool {
    grant.revoked.is_none() && grant.expires > now
}

fn body(grant: &Grant) -> GrantBody {
    serde_json::from_str(&grant.body).unwrap_or_default()
}

fn given(grant: &Grant, refreshed: Option<Timestamp>) -> GivenGrant {
    let GrantBody { resource, scope, admission, client_name, .. } = body(grant);
    let Grant { id, client, profile, subject, body: _, created, expires, revoked } = grant.clone();
    GivenGrant {
        id,
        client,
        client_name,
        profile,
        person: subject,
        resource,
        scope,
        admission,
        since: created,
        refreshed,
        expires,
        revoked,
    }
}

async fn consent(server: &Server, consent: store::Consent) -> Result<GivenConsent, store::Error> {
    let store::Consent { subject: person, client, body, given: since } = consent;
    let body: ConsentBody = serde_json::from_str(&body).unwrap_or_default();
    let of = (person.as_str(), client.as_str());
    let allowed = Allowed::of(server, of, &body, server.clock.now()).await?;
    let scope = allowed.scopes().map(|it| it.to_string());
    let ConsentBody { client_name, host, profile, resource: _, scope: _ } = body;
    Ok(GivenConsent { person, client, client_name, host, profile, scope, since })
}

fn described(registration: store::Registration) -> SelfDescribed {
    let (name, secret_expires) = client::name_and_end(&registration);
    let store::Registration { id, body: _, created, used } = registration;
    SelfDescribed {
        client: id,
        name,
        registered: Some(created),
        used,
        secret_expires,
        grants: 0,
        newest: None,
    }
}

fn signed_in(session: Grant) -> SignedIn {
    let from = serde_json::from_str::<people::SessionBody>(&session.body);
    SignedIn {
        id: session.id,
        person: session.subject.unwrap_or_default(),
        from: from.map(|it| it.source).unwrap_or_default(),
        since: session.created,
        expires: session.expires,
    }
}
