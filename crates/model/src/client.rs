//! A registered consumer and its profiles.

use ipnet::IpNet;
use serde::Serialize;

use crate::{
    Assignment, ClientId, Place, ProfileId, RotationPolicy, Surface, Timestamp, TokenTerms,
};

/// What sort of consumer a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// An AI agent.
    Agent,
    /// An application that people use.
    App,
    /// Another company.
    Partner,
    /// A program of our own, without a person.
    Service,
}

impl ClientKind {
    /// The word for it in state and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::App => "app",
            Self::Partner => "partner",
            Self::Service => "service",
        }
    }
}

/// A registered consumer with an accountable owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What sort of consumer it is.
    pub kind: ClientKind,
    /// Who answers for it: a person or a team.
    pub owner: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// A disabled client's credentials are refused.
    pub is_enabled: bool,
    /// Its access contracts, by id.
    pub profiles: Vec<Profile>,
    /// Where it is declared.
    pub place: Place,
}

/// One access contract of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its id, with the client's.
    pub id: ProfileId,
    /// What it may do.
    pub roles: Vec<Assignment>,
    /// The surfaces it may use; empty never happens: reading puts both where none is named.
    pub surfaces: Vec<Surface>,
    /// The networks it may call from; empty means any.
    pub networks: Vec<IpNet>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// On what terms it gets tokens of this door; none where it gets none.
    pub tokens: Option<TokenTerms>,
    /// How long its credentials may live.
    pub rotation: RotationPolicy,
    /// A disabled profile's credentials are refused.
    pub is_enabled: bool,
    /// Where it is declared.
    pub place: Place,
}
