//! The roles for operators that are always there: roles like any other, made of patterns.

use model::{Effect, Grant, Pattern, Place, Role, RoleId};

use crate::operation::About;

/// What is about everything at once: the HMACs of keys, what seals the values of secrets, and what
/// signs tokens and the audit log. And what nobody brings back.
const ADMIN_ONLY: [&str; 6] = [
    "export_state",
    "forget_subject",
    "rewrap_secrets",
    "rotate_audit_key",
    "rotate_signing_key",
    "withdraw_signing_key",
];

/// What tells about people and their doings.
const ABOUT_CALLS: [&str; 11] = [
    "check_audit",
    "get_audit_body",
    "list_audit_proofs",
    "list_audit_purges",
    "list_consents",
    "list_credential_ages",
    "list_deliveries",
    "list_grants",
    "list_registrations",
    "list_sign_ins",
    "query_audit",
];

/// The nouns that an editor may change: what a team has of its own.
const EDITED: [&str; 6] = ["client", "collection", "credential", "limit", "secret", "upstream"];

/// A role that is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BuiltIn {
    Admin,
    Auditor,
    Editor,
    Viewer,
}

impl BuiltIn {
    const ALL: [Self; 4] = [Self::Admin, Self::Auditor, Self::Editor, Self::Viewer];

    fn id(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Admin => "May do everything with the door itself.",
            Self::Auditor => "Reads configuration, access and records, and changes nothing.",
            Self::Editor => "Changes collections, clients and what belongs to them.",
            Self::Viewer => "Reads configuration.",
        }
    }

    fn allows(self, about: &About) -> bool {
        if ADMIN_ONLY.contains(&about.name) {
            return self == Self::Admin;
        }
        let reads = about.effect == Effect::Read;
        let views = reads && !ABOUT_CALLS.contains(&about.name);
        match self {
            Self::Admin => true,
            Self::Auditor => reads,
            Self::Editor => views || EDITED.contains(&about.command[0]),
            Self::Viewer => views,
        }
    }
}

/// The roles that are always there, over these operations.
pub(crate) fn built_in(operations: &[About]) -> Vec<Role> {
    let roles = BuiltIn::ALL.into_iter().filter_map(|it| {
        let allowed = operations.iter().filter(|about| it.allows(about));
        let patterns = match it {
            BuiltIn::Admin => vec![Pattern::parse("onedoor:*").ok()?],
            BuiltIn::Auditor | BuiltIn::Editor | BuiltIn::Viewer => allowed
                .filter_map(|about| Pattern::parse(&format!("onedoor:{}", about.name)).ok())
                .collect(),
        };
        Some(Role {
            id: RoleId::parse(it.id()).ok()?,
            description: Some(it.description().to_owned()),
            grants: vec![Grant { operations: patterns, effects: Vec::new() }],
            place: Place::default(),
        })
    });
    roles.collect()
}
