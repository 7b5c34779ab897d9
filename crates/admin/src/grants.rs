//! What management needs of what people and clients were given. The authorization server provides it.

use std::{fmt, future::Future, pin::Pin};

use schemars::JsonSchema;
use serde::Serialize;
use state::Desired;

/// What comes of work on what was given.
pub type GrantWork<'a, T> = Pin<Box<dyn Future<Output = Result<T, store::Error>> + Send + 'a>>;

/// What people and clients were given, as management sees it. What is ended here is refused on every
/// replica within a second.
pub trait Grants: fmt::Debug + Send + Sync {
    /// Grants by id: at most `max`, from the one behind `after` on. Those that have ended are among
    /// them for a while.
    fn list<'a>(
        &'a self,
        of: &'a GrantSelection,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, Vec<GrantView>>;

    /// Ends grants: the ids of those that were good until now.
    fn revoke<'a>(&'a self, of: &'a GrantSelection) -> GrantWork<'a, Vec<String>>;

    /// Consents by person and client: at most `max`, from the one behind `after` on.
    fn consents<'a>(
        &'a self,
        person: Option<&'a str>,
        after: Option<(&'a str, &'a str)>,
        max: u32,
    ) -> GrantWork<'a, Vec<ConsentView>>;

    /// What a person allowed a client, if anything.
    fn consent<'a>(
        &'a self,
        person: &'a str,
        client: &'a str,
    ) -> GrantWork<'a, Option<ConsentView>>;

    /// Takes a consent back: how many grants ended with it.
    fn revoke_consent<'a>(&'a self, person: &'a str, client: &'a str) -> GrantWork<'a, usize>;

    /// Where people are signed in, out of the next `max` behind `after`; and behind which one it goes
    /// on, where it does.
    fn sign_ins<'a>(
        &'a self,
        person: Option<&'a str>,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, (Vec<SignInView>, Option<String>)>;

    /// Signs a person out in one browser, or in all: in how many.
    fn end_sign_ins<'a>(
        &'a self,
        id: Option<&'a str>,
        person: Option<&'a str>,
    ) -> GrantWork<'a, usize>;

    /// Clients that nobody registered, by id: those that did so themselves, and those with a document
    /// that hold grants. At most `max`, from the one behind `after` on.
    fn registrations<'a>(
        &'a self,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, Vec<RegistrationView>>;

    /// Forgets a client that registered itself: whether it was there, and how many grants ended with it.
    fn delete_registration<'a>(&'a self, id: &'a str) -> GrantWork<'a, (bool, usize)>;

    /// Ends what was given to people whose accounts are not `after` a change what they were `before`:
    /// how much that was. None where nobody departed.
    fn end_departed<'a>(
        &'a self,
        before: &'a Desired,
        after: &'a Desired,
    ) -> GrantWork<'a, Option<DepartedView>>;
}

/// What ended because people were disabled or removed, or have another password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DepartedView {
    /// How many grants ended, for good.
    pub grants: usize,
    /// In how many browsers they were signed in.
    pub sign_ins: usize,
}

/// Which grants: all that is said has to fit.
#[derive(Debug, Clone, Default)]
pub struct GrantSelection {
    /// The one of this id.
    pub id: Option<String>,
    /// Those for this person.
    pub person: Option<String>,
    /// Those of this client, as it knows itself.
    pub client: Option<String>,
    /// Those with this profile.
    pub profile: Option<String>,
}

/// What a client was given.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GrantView {
    /// Its id, which tokens and records name.
    pub id: String,
    /// To whom, as it knows itself: a profile, the URL of its document, or what it registered itself as.
    pub client: String,
    /// What that calls itself: nobody has checked it, where an admission let it in.
    pub client_name: String,
    /// The profile that it acts as.
    pub profile: String,
    /// For whom: `local:ann`, or the issuer that signed them in and their `sub` there. None where the
    /// client acts for itself.
    pub person: Option<String>,
    /// What its tokens are for.
    pub resource: String,
    /// What of the profile they carry; all of it where none.
    pub scope: Option<String>,
    /// By which admission, where the client is not registered.
    pub admission: Option<String>,
    /// `good`, `revoked` or `expired`.
    pub state: GrantState,
    /// When it was given.
    pub since: String,
    /// When it was last renewed, or redeemed where it never was.
    pub last_refreshed: Option<String>,
    /// When it ends by itself.
    pub expires: String,
    /// When it was taken back.
    pub revoked: Option<String>,
}

/// Whether a grant is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// It has ended by itself.
    Expired,
    /// Tokens come of it.
    Good,
    /// It was taken back.
    Revoked,
}

/// What a person allowed a client.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConsentView {
    /// Who allowed it: `local:ann`, or the issuer that signed them in and their `sub` there.
    pub person: String,
    /// To whom, as it knows itself.
    pub client: String,
    /// What that calls itself: nobody has checked it, where an admission let it in.
    pub client_name: String,
    /// Where the person was sent back to.
    pub host: String,
    /// The profile that it acts as, where it was allowed last.
    pub profile: String,
    /// What of the profile, by all of its grants together that are good, else as it was allowed last;
    /// all of it where none.
    pub scope: Option<String>,
    /// When it was allowed last.
    pub since: String,
}

/// That a person is signed in in a browser.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignInView {
    /// Its id.
    pub id: String,
    /// Who: `local:ann`, or the issuer that signed them in and their `sub` there.
    pub person: String,
    /// From which address it was begun.
    pub from: String,
    /// When.
    pub since: String,
    /// When it ends by itself.
    pub expires: String,
}

/// A client that nobody registered: it did so itself, or has a document and holds grants.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RegistrationView {
    /// What it knows itself as: the URL of its document, or `dyn-…`.
    pub client: String,
    /// What it calls itself: nobody has checked it.
    pub name: String,
    /// When it registered itself; none where it has a document.
    pub registered: Option<String>,
    /// When it was asked for last, to the hour; none where it has a document, or never was.
    pub last_used: Option<String>,
    /// When the secret ends that it was given; none where it was given none.
    pub secret_expires: Option<String>,
    /// How many grants of its are good.
    pub grants: u64,
    /// When the newest was given; none where none is good.
    pub newest_grant: Option<String>,
}
