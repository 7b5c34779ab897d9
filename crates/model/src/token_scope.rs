//! What of a profile's permissions a token carries: roles and collections, by name.

use std::fmt;

use crate::{CollectionId, Operation, RoleId};

/// Most scopes that are read of one text.
const SCOPES_MAX: usize = 64;

/// One scope token (RFC 6749 section 3.3): `collection:orders` or `role:orders-reader`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    /// What the profile may do in this collection.
    Collection(CollectionId),
    /// What the profile may do by this role.
    Role(RoleId),
}

impl TokenScope {
    /// Reads one scope token.
    ///
    /// # Errors
    /// A sentence that says what scopes look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = match text.split_once(':') {
            Some(("collection", id)) => CollectionId::parse(id).ok().map(Self::Collection),
            Some(("role", id)) => RoleId::parse(id).ok().map(Self::Role),
            Some(_) | None => None,
        };
        read.ok_or_else(|| format!("\"{text}\" is no scope: write collection:NAME or role:NAME"))
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collection(id) => write!(f, "collection:{id}"),
            Self::Role(id) => write!(f, "role:{id}"),
        }
    }
}

/// A set of scopes. They add up: what one of them carries is carried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenScopes(Vec<TokenScope>);

impl TokenScopes {
    /// Reads scope tokens between single spaces. `offline_access`, which asks for what every
    /// client that may refresh gets, is left out.
    ///
    /// # Errors
    /// A sentence that names what is no scope.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(' ').filter(|it| !it.is_empty() && *it != "offline_access");
        let scopes: Vec<_> =
            words.take(SCOPES_MAX + 1).map(TokenScope::parse).collect::<Result<_, _>>()?;
        if scopes.len() > SCOPES_MAX {
            return Err(format!("there are more than {SCOPES_MAX} scopes"));
        }
        Ok(scopes.into_iter().collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &TokenScope> {
        self.0.iter()
    }

    /// Whether the collection of `operation` is among them.
    #[must_use]
    pub fn has_collection(&self, operation: &Operation) -> bool {
        self.0
            .iter()
            .any(|it| matches!(it, TokenScope::Collection(id) if *id == operation.collection))
    }

    /// Whether `role` is among them.
    #[must_use]
    pub fn has_role(&self, role: &RoleId) -> bool {
        self.0.iter().any(|it| matches!(it, TokenScope::Role(id) if id == role))
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        other.0.iter().all(|it| self.0.contains(it))
    }
}

impl FromIterator<TokenScope> for TokenScopes {
    fn from_iter<I: IntoIterator<Item = TokenScope>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort();
        scopes.dedup();
        Self(scopes)
    }
}

impl fmt::Display for TokenScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            write!(f, "{}{scope}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What a token is for (RFC 8707): a token for one collection is no token for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One collection, on either surface.
    Collection(CollectionId),
    /// The whole door.
    Door,
}

impl Audience {
    /// Whether a token for this can be shown for that.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        *self == Self::Door || self == other
    }

    /// Whether a token for this can be shown for an operation of `collection`.
    #[must_use]
    pub fn has(&self, collection: &CollectionId) -> bool {
        match self {
            Self::Collection(id) => id == collection,
            Self::Door => true,
        }
    }
}

/// How far a token goes within what its profile may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBounds {
    /// What it is for.
    pub audience: Audience,
    /// What it carries; all that the profile may do where none.
    pub scopes: Option<TokenScopes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_what_they_write_sorted_and_once() {
        let text = "role:reader collection:orders  role:reader offline_access";
        let scopes = TokenScopes::parse(text).unwrap();
        assert_eq!(scopes.to_string(), "collection:orders role:reader");
        assert_eq!(TokenScopes::parse(&scopes.to_string()), Ok(scopes));
        assert!(TokenScopes::parse("").unwrap().is_empty());
        for bad in ["orders", "*", "collection:", "role:*", "Role:reader", "role:a\tb", "a:b"] {
            assert!(TokenScopes::parse(bad).unwrap_err().contains("is no scope"), "{bad}");
        }
        let many = "role:a ".repeat(65);
        assert!(TokenScopes::parse(&many).unwrap_err().contains("more than 64"));
    }

    #[test]
    fn a_token_for_one_collection_is_none_for_another() {
        let of = |id| Audience::Collection(CollectionId::parse(id).unwrap());
        assert!(Audience::Door.covers(&of("orders")) && of("orders").covers(&of("orders")));
        assert!(!of("orders").covers(&Audience::Door) && !of("orders").covers(&of("customers")));
    }
}
