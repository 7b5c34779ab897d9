//! Who asks for a token: a client that is registered, describes itself, or registered itself.

mod authenticate;
mod certificate;
mod document;
mod found;
mod keys;
pub(crate) mod redirect;
mod register;
mod rehash;

use model::{
    CertificateMatch, CredentialId, GrantType, KeyHash, KeySource, ProfileId, Proof, Registration,
    Timestamp, TokenBinding, TokenTerms,
};
use serde_json::Value;

pub(crate) use self::{
    authenticate::{ALGORITHMS, authenticate},
    document::Documents,
    keys::Keys,
    register::{name_and_end, register},
    rehash::{Outdated, keep as keep_rehashed},
};
use crate::{
    Request, Server,
    error::{Code, Denied},
    possession::Held,
    tables::Tables,
    throttle::Effort,
};

/// The id of the command line of this door. It is no profile's: these have a slash.
const COMMAND_LINE: &str = "onedoor-cli";

/// A client, before it has proved anything.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its id, as it knows it.
    pub(crate) id: String,
    /// What it calls itself. Hostile, but for a registered one.
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) origin: Origin,
    /// What it wants its tokens to be bound by, besides what its profile demands.
    pub(crate) bindings: Vec<TokenBinding>,
}

impl Client {
    /// Whether an operator registered it. What any other says of itself, nobody has looked at.
    pub(crate) fn is_registered(&self) -> bool {
        match self.origin {
            Origin::Declared(_) => true,
            Origin::CommandLine | Origin::Document { .. } | Origin::Dynamic { .. } => false,
        }
    }

    /// Whether it is given anything to renew its tokens by, where its profile is: one that registered
    /// itself says so.
    pub(crate) fn renews(&self) -> bool {
        match self.origin {
            Origin::Dynamic { .. } => self.names(GrantType::RefreshToken),
            Origin::CommandLine | Origin::Declared(_) | Origin::Document { .. } => true,
        }
    }

    /// Whether it says of itself that it gets tokens by `grant`. One that an operator registered says
    /// nothing: its profile does.
    pub(crate) fn names(&self, grant: GrantType) -> bool {
        match &self.origin {
            Origin::CommandLine => grant == GrantType::DeviceCode,
            Origin::Declared(_) => false,
            Origin::Document { metadata, .. } => document::names(metadata, grant),
            Origin::Dynamic { grants, .. } => grants.contains(&grant),
        }
    }

    /// Whether an operator gave it anything to prove itself by, as long as that is declared: also where
    /// it has ended. Others than these have to prove themselves at all times, or never.
    pub(crate) fn has_proof(&self, tables: &Tables) -> bool {
        let Origin::Declared(profile) = &self.origin else { return false };
        let mut credentials = tables.desired().credentials.iter();
        credentials.any(|it| it.profile == *profile && is_shown_for_tokens(&it.proof))
    }

    /// What its tokens have to be bound by, where they are of a profile with these terms.
    pub(crate) fn demands(&self, terms: &TokenTerms) -> Vec<TokenBinding> {
        terms.binding.into_iter().chain(self.bindings.iter().copied()).collect()
    }
}

/// Where a client is known from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// It is the command line of this door, which everybody has: admissions say for whom it acts.
    CommandLine,
    /// It is declared: its id is its profile's.
    Declared(ProfileId),
    /// Its id is the URL of this document.
    Document { host: String, metadata: std::sync::Arc<Value> },
    /// It registered itself.
    Dynamic {
        software: Option<String>,
        /// What it registered for.
        grants: Vec<GrantType>,
        /// The hash of its secret, and when that ends.
        secret: Option<(KeyHash, Timestamp)>,
        /// By which certificates it proves itself, if it does.
        certificates: Vec<CertificateMatch>,
        /// By which keys it proves itself, if it does.
        keys: Option<KeySource>,
    },
}

/// A client that has proved what it can prove.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) client: Client,
    /// By which credential, where it has any.
    pub(crate) credential: Option<CredentialId>,
    /// Whether it proved anything at all.
    pub(crate) is_confidential: bool,
    /// What it holds, to which tokens can be bound.
    pub(crate) held: Held,
}

impl Proven {
    /// Counts that it looked for a ticket that nobody was given. Who an operator registered, and proved that,
    /// has none of the budgets that strangers have.
    ///
    /// # Errors
    /// `code` with status 429 where there were too many of late.
    pub(crate) fn missed(
        &self,
        server: &Server,
        request: &Request,
        code: Code,
    ) -> Result<(), Denied> {
        if self.is_confidential && matches!(self.client.origin, Origin::Declared(_)) {
            return Ok(());
        }
        let look = Effort::LookUp { source: request.peer, code };
        server.throttle.spend(look, request.at)
    }
}

/// The client with this id.
///
/// # Errors
/// `invalid_client` where there is none.
pub(crate) async fn find(server: &Server, id: &str, request: &Request) -> Result<Client, Denied> {
    if server.tables().is_stopped_client(id) {
        return Err(unknown().because("an operator stopped it"));
    }
    if id.starts_with("https://") {
        return document::find(server, id, request).await;
    }
    if id.starts_with(Registration::DYNAMIC_PREFIX) {
        return register::find(server, id, request).await;
    }
    let tables = server.tables();
    if id == COMMAND_LINE {
        return command_line(&tables);
    }
    let profile = ProfileId::parse(id).map_err(|_| unknown().because("it is no client id"))?;
    let contract = tables.contract(&profile, request.at);
    let contract = contract.ok_or_else(|| unknown().because("no such profile gets tokens"))?;
    Ok(Client {
        id: id.to_owned(),
        name: contract.client.description.clone().unwrap_or_else(|| contract.client.id.to_string()),
        redirect_uris: contract.terms.redirect_uris.clone(),
        origin: Origin::Declared(profile),
        bindings: Vec::new(),
    })
}

/// The command line, where any admission lets it in. It is sent nowhere: it asks on a device.
fn command_line(tables: &Tables) -> Result<Client, Denied> {
    if !tables.admits(Registration::CommandLine) {
        return Err(unknown().because("no admission lets the command line in"));
    }
    Ok(Client {
        id: COMMAND_LINE.to_owned(),
        name: "Onedoor command line".to_owned(),
        redirect_uris: Vec::new(),
        origin: Origin::CommandLine,
        bindings: Vec::new(),
    })
}

/// Whether a client proves who it is by it.
fn is_shown_for_tokens(proof: &Proof) -> bool {
    match proof {
        Proof::ClientSecret { .. } | Proof::Mtls { .. } | Proof::PrivateKeyJwt { .. } => true,
        Proof::ApiKey { .. } | Proof::External { .. } => false,
    }
}

/// What a client says of itself that its tokens are to be bound by (RFC 9449 section 5.2, RFC 8705
/// section 3.4).
fn bindings(says: impl Fn(&str) -> bool) -> Vec<TokenBinding> {
    let words = [
        ("dpop_bound_access_tokens", TokenBinding::Dpop),
        ("tls_client_certificate_bound_access_tokens", TokenBinding::Mtls),
    ];
    words.into_iter().filter(|(word, _)| says(word)).map(|(_, binding)| binding).collect()
}

/// One text for everything: who may ask is nobody else's business.
pub(crate) fn unknown() -> Denied {
    Denied::new(Code::InvalidClient, "the client is unknown, or did not prove who it is")
}
