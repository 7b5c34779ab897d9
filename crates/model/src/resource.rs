//! The protected resources of a door: which URL stands for what (RFC 8707, RFC 9728).

use std::{collections::HashMap, sync::Arc};

use crate::{Audience, Collection, CollectionId};

/// Where the MCP surface is.
const MCP: &str = "/mcp";

/// The URLs that tokens may be for. Every one begins with the door's own.
#[derive(Debug, Clone)]
pub struct Resources {
    door: Arc<str>,
    by_base: HashMap<Box<str>, CollectionId>,
}

impl Resources {
    /// The resources of the door at `door`, a scheme and a host without a slash at the end, with
    /// these collections.
    #[must_use]
    pub fn new(door: &Arc<str>, collections: &[Arc<Collection>]) -> Self {
        let bases = collections.iter().filter(|it| it.base != "/");
        let by_base = bases.map(|it| (it.base.as_str().into(), it.id.clone())).collect();
        Self { door: Arc::clone(door), by_base }
    }

    /// The door's own URL: the issuer of its tokens.
    #[must_use]
    pub fn door(&self) -> &str {
        &self.door
    }

    /// What a token with this `aud` is for; none where it is for somebody else.
    ///
    /// A slash at the end, and the case of scheme and host, make no other resource.
    #[must_use]
    pub fn audience(&self, url: &str) -> Option<Audience> {
        let door = self.door.len();
        let (origin, path) = (url.get(..door)?, url.get(door..)?);
        if !origin.eq_ignore_ascii_case(&self.door) {
            return None;
        }
        match path.strip_suffix('/').unwrap_or(path) {
            "" | MCP => Some(Audience::Door),
            path => self.collection(path).map(Audience::Collection),
        }
    }

    fn collection(&self, path: &str) -> Option<CollectionId> {
        let of_mcp = path.strip_prefix(MCP).and_then(|it| it.strip_prefix('/'));
        match of_mcp {
            Some(id) => CollectionId::parse(id).ok(),
            None => self.by_base.get(path).cloned(),
        }
    }

    /// The URL of the MCP endpoint for `audience`.
    #[must_use]
    pub fn endpoint(&self, audience: &Audience) -> String {
        match audience {
            Audience::Collection(id) => format!("{}{MCP}/{id}", self.door),
            Audience::Door => format!("{}{MCP}", self.door),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_for_the_door_for_one_collection_or_for_somebody_else() {
        let mut resources = Resources::new(&"https://door.example".into(), &[]);
        let orders = CollectionId::parse("orders").unwrap();
        resources.by_base.insert("/shop/v1".into(), orders.clone());
        let one = Some(Audience::Collection(orders));
        for (url, want) in [
            ("https://door.example", Some(Audience::Door)),
            ("https://door.example/", Some(Audience::Door)),
            ("HTTPS://Door.Example/mcp", Some(Audience::Door)),
            ("https://door.example/mcp/", Some(Audience::Door)),
            ("https://door.example/mcp/orders", one.clone()),
            ("https://door.example/shop/v1", one.clone()),
            ("https://door.example/shop/v1/", one),
            ("https://door.example/shop", None),
            ("https://door.example/shop/v1/x", None),
            ("https://door.example/mcp/orders/x", None),
            ("https://door.example/mcp/Orders", None),
            ("https://door.example//", None),
            ("https://door.example.evil/mcp", None),
            ("https://door.example:443/mcp", None),
            ("https://door.exampl", None),
            ("http://door.example/mcp", None),
            ("", None),
            ("https://door.exampl\u{e9}/mcp", None),
        ] {
            assert_eq!(resources.audience(url), want, "{url}");
        }
    }
}
