//! What may be done: named sets of permissions over operations.

use std::fmt;

use crate::{CollectionId, Effect, Operation, Place, RoleId, id};

/// The roles for operators that are always there. No document can declare another by these names.
pub const BUILT_IN: [&str; 4] = ["admin", "auditor", "editor", "viewer"];

/// The role that profiles have whose rotation says so, and that nobody can be given. No document can
/// declare another by this name.
pub const SELF_SERVICE: &str = "self-service";

/// A named set of permissions: the same thing for API consumers and for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// What it is for, for people.
    pub description: Option<String>,
    /// What it allows. Nothing else is.
    pub grants: Vec<Grant>,
    /// Where it is declared.
    pub place: Place,
}

/// A role that a profile has, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The role.
    pub role: RoleId,
    /// Where it holds.
    pub reach: Reach,
}

impl Assignment {
    /// The role, without bounds.
    #[must_use]
    pub fn everywhere(role: RoleId) -> Self {
        Self { role, reach: Reach::default() }
    }
}

/// Where a role holds: everywhere, or only for these collections and what these owners have.
///
/// Both lists empty means everywhere. Otherwise what is in one of the two is within reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Reach {
    /// These collections.
    pub collections: Vec<CollectionId>,
    /// Collections, clients and whatever else has one of these owners.
    pub owners: Vec<String>,
}

impl Reach {
    /// Whether there is no bound.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.collections.is_empty() && self.owners.is_empty()
    }

    /// Whether something of `owner`, which is or belongs to `collection`, is within reach.
    #[must_use]
    pub fn has(&self, collection: Option<&CollectionId>, owner: Option<&str>) -> bool {
        self.is_everywhere()
            || collection.is_some_and(|it| self.collections.contains(it))
            || owner.is_some_and(|it| self.owners.iter().any(|own| own == it))
    }
}

/// Operations, and the effects among them, that a role allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which operations.
    pub operations: Vec<Pattern>,
    /// With which effects; any where empty.
    pub effects: Vec<Effect>,
}

impl Grant {
    /// The pattern by which this grant allows `operation`, if it does.
    #[must_use]
    pub fn allows(&self, operation: &Operation) -> Option<&Pattern> {
        if !self.effects.is_empty() && !self.effects.contains(&operation.effect) {
            return None;
        }
        self.operations.iter().find(|it| it.matches(operation))
    }
}

/// Operations by name: `orders:get_order`, `orders:*`, `*:*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    collection: Option<String>,
    operation: Option<String>,
}

impl Pattern {
    /// Reads `collection:operation`, `collection:*` or `*:*`.
    ///
    /// # Errors
    /// A sentence that says what a pattern looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let part = |part: &str| (part != "*").then(|| part.to_owned());
        match text.split_once(':') {
            Some(("*", "*")) => Ok(Self { collection: None, operation: None }),
            Some((collection, operation))
                if id::is_slug(collection)
                    && (operation == "*" || id::is_operation_name(operation)) =>
            {
                Ok(Self { collection: part(collection), operation: part(operation) })
            }
            _ => Err(format!(
                "\"{text}\" does not name operations: write orders:get_order, orders:* or *:*"
            )),
        }
    }

    /// All operations of `collection`.
    #[must_use]
    pub fn all_of(collection: &CollectionId) -> Self {
        Self { collection: Some(collection.as_str().to_owned()), operation: None }
    }

    /// Whether all that `other` means, today or ever, is meant by this one too.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let is_built_in = other.collection.as_deref().is_some_and(CollectionId::is_built_in_name);
        (self.collection == other.collection || (self.collection.is_none() && !is_built_in))
            && (self.operation.is_none() || self.operation == other.operation)
    }

    /// Whether `operation` is meant. The door's own operations are meant by name alone: `*` does
    /// not mean them, or whoever may call everything could also change what may be called.
    #[must_use]
    pub fn matches(&self, operation: &Operation) -> bool {
        let collection = &operation.collection;
        let is_meant = match self.collection.as_deref() {
            Some(it) => it == collection.as_str(),
            None => !collection.is_built_in(),
        };
        is_meant && self.operation.as_deref().is_none_or(|it| it == operation.id.name())
    }

    /// The collection that is named, if one is.
    #[must_use]
    pub fn collection(&self) -> Option<&str> {
        self.collection.as_deref()
    }

    /// The operation that is named, if one is.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (collection, operation) = (self.collection(), self.operation());
        write!(f, "{}:{}", collection.unwrap_or("*"), operation.unwrap_or("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_own_operations_are_meant_by_name_alone() {
        let operation = |collection: CollectionId| Operation {
            id: crate::OperationId::new(&collection, "list_clients").unwrap(),
            collection,
            effect: Effect::Read,
            is_public: false,
            level: None,
            position: 0,
        };
        let orders = CollectionId::parse("orders").unwrap();
        let pattern = |text| Pattern::parse(text).unwrap();
        assert!(pattern("*:*").matches(&operation(orders)));
        assert!(!pattern("*:*").matches(&operation(CollectionId::own())));
        assert!(pattern("onedoor:*").matches(&operation(CollectionId::own())));
        assert!(!pattern("*:*").matches(&operation(CollectionId::self_service())));
        assert!(!pattern("*:*").includes(&pattern("self:list_credentials")));
        assert!(!pattern("*:*").includes(&pattern("onedoor:list_clients")));
        assert!(pattern("onedoor:*").includes(&pattern("onedoor:list_clients")));
    }

    #[test]
    fn a_pattern_reads_what_it_writes() {
        for text in ["orders:get_order", "orders:*", "*:*", "orders:getOrder"] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "orders", "*", "*:get", "Orders:*", "orders:", ":x", "a:b:c", "orders:g*"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
