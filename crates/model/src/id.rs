//! Names of things: readable slugs, one type for each kind, cheap to clone.

use std::{fmt, sync::Arc};

/// Why a text is no valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a valid {what}: {rule}")]
pub struct InvalidId {
    what: &'static str,
    text: String,
    rule: &'static str,
}

/// The name of the built-in client.
const ANONYMOUS: &str = "anonymous";

/// The name of the door's own collection.
const OWN: &str = "onedoor";

/// The name of the collection of what clients may do for themselves.
const SELF_SERVICE: &str = "self";

const SLUG_RULE: &str = "use 1 to 63 of a-z, 0-9, - and _, and begin with a letter or a digit";
const NAME_RULE: &str = "use 1 to 64 of a-z, A-Z, 0-9, - and _";

/// Whether `text` is a slug: 1–63 of `a-z 0-9 - _`, starting with a letter or digit.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 63
        && bytes.next().is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        && bytes
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'_')
}

/// Whether `text` can name an operation within its collection, and so end a tool's name.
#[must_use]
pub fn is_operation_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        id!($(#[$doc])* $name, $what);

        impl $name {
            /// Reads a slug.
            ///
            /// # Errors
            /// [`InvalidId`] where the text is no slug.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_slug(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, text: text.to_owned(), rule: SLUG_RULE })
                }
            }
        }
    };
}

slug_id!(
    /// An admission.
    AdmissionId, "admission id"
);
slug_id!(
    /// A client: an app, a service, a partner or an agent.
    ClientId, "client id"
);
slug_id!(
    /// A collection of operations.
    CollectionId, "collection id"
);
slug_id!(
    /// A credential. Public: it names the proof and is not the proof.
    CredentialId, "credential id"
);
slug_id!(
    /// A guard.
    GuardId, "guard id"
);
slug_id!(
    /// A trusted issuer of tokens.
    IssuerId, "issuer id"
);
slug_id!(
    /// A limit.
    LimitId, "limit id"
);
slug_id!(
    /// A stop of what is called, or of who calls.
    StopId, "stop id"
);
slug_id!(
    /// A pepper. Public: it names the secret and is not the secret.
    PepperId, "pepper id"
);
slug_id!(
    /// A role.
    RoleId, "role id"
);
slug_id!(
    /// A secret. Public: it names the value and is not the value.
    SecretId, "secret id"
);
slug_id!(
    /// An upstream.
    UpstreamId, "upstream id"
);
slug_id!(
    /// A person with an account of this door.
    UserId, "user id"
);
id!(
    /// A profile: `client/profile`.
    ProfileId, "profile id"
);
id!(
    /// An operation: `collection.operation`.
    OperationId, "operation id"
);

impl ClientId {
    /// The built-in client of callers without a credential.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(ANONYMOUS.into())
    }

    /// Whether this is the built-in client of callers without a credential.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.as_str() == ANONYMOUS
    }
}

impl CollectionId {
    /// The door's own collection: management operations. No document can declare another by this name.
    #[must_use]
    pub fn own() -> Self {
        Self(OWN.into())
    }

    /// Whether this is the door's own collection.
    #[must_use]
    pub fn is_own(&self) -> bool {
        Self::is_own_name(self.as_str())
    }

    /// Whether this is the name of the door's own collection.
    #[must_use]
    pub fn is_own_name(name: &str) -> bool {
        name == OWN
    }

    /// The collection of what clients may do for themselves. No document can declare another by this
    /// name either.
    #[must_use]
    pub fn self_service() -> Self {
        Self(SELF_SERVICE.into())
    }

    /// Whether this is the collection of what clients may do for themselves.
    #[must_use]
    pub fn is_self_service(&self) -> bool {
        self.as_str() == SELF_SERVICE
    }

    /// Whether this is one of the collections that are always there.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::is_built_in_name(self.as_str())
    }

    /// Whether this is the name of one of the collections that are always there.
    #[must_use]
    pub fn is_built_in_name(name: &str) -> bool {
        [OWN, SELF_SERVICE].contains(&name)
    }
}

impl LimitId {
    /// The built-in limit of callers that no other limit covers. No slug, so no file can take its name.
    #[must_use]
    pub fn built_in() -> Self {
        Self("(default)".into())
    }
}

impl PepperId {
    /// The pepper that had no name when there was but one.
    #[must_use]
    pub fn first() -> Self {
        Self("p1".into())
    }
}

impl ProfileId {
    /// The profile `name` of `client`.
    ///
    /// # Errors
    /// [`InvalidId`] where `name` is no slug.
    pub fn new(client: &ClientId, name: &str) -> Result<Self, InvalidId> {
        if is_slug(name) {
            Ok(Self(format!("{client}/{name}").into()))
        } else {
            Err(InvalidId { what: "profile name", text: name.to_owned(), rule: SLUG_RULE })
        }
    }

    /// Reads `client/profile`.
    ///
    /// # Errors
    /// [`InvalidId`] where the text is not two slugs with a slash between.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        match text.split_once('/') {
            Some((client, profile)) if is_slug(client) && is_slug(profile) => Ok(Self(text.into())),
            _ => Err(InvalidId {
                what: "profile id",
                text: text.to_owned(),
                rule: "write it as client/profile",
            }),
        }
    }

    /// The client's part.
    #[must_use]
    pub fn client(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(client, _)| client)
    }

    /// The profile's own name, without the client.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// The profile of callers without a credential.
    #[must_use]
    pub fn anonymous() -> Self {
        Self("anonymous/default".into())
    }
}

impl OperationId {
    /// The operation `name` of `collection`.
    ///
    /// # Errors
    /// [`InvalidId`] where `name` is not made of `a-z A-Z 0-9 - _`, 1–64 of them.
    pub fn new(collection: &CollectionId, name: &str) -> Result<Self, InvalidId> {
        if is_operation_name(name) {
            Ok(Self(format!("{collection}.{name}").into()))
        } else {
            Err(InvalidId { what: "operation name", text: name.to_owned(), rule: NAME_RULE })
        }
    }

    /// The operation's name within its collection.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_and_bounded() {
        for good in ["a", "0", "shop-agent", "a_b", &"x".repeat(63)] {
            assert!(ClientId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a.b", "a/b", "ä", "a b", &"x".repeat(64)] {
            assert!(ClientId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_profile_names_its_client() {
        let profile = ProfileId::parse("shop-agent/read-only").unwrap();
        assert_eq!((profile.client(), profile.name()), ("shop-agent", "read-only"));
        for bad in ["shop-agent", "/x", "a/", "a/b/c"] {
            assert!(ProfileId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_operation_keeps_the_case_of_its_name() {
        let orders = CollectionId::parse("orders").unwrap();
        let id = OperationId::new(&orders, "getOrder").unwrap();
        assert_eq!((id.as_str(), id.name()), ("orders.getOrder", "getOrder"));
        assert!(OperationId::new(&orders, "a.b").is_err());
    }
}
