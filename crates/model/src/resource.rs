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
    /// Where the door is managed, if that has an address of its own.
    management: Option<Arc<str>>,
}

impl Resources {
    /// The resources of the door at `door`, a scheme and a host without a slash at the end, with
    /// these collections.
    #[must_use]
    pub fn new(door: &Arc<str>, collections: &[Arc<Collection>]) -> Self {
        let bases = collections.iter().filter(|it| it.base != "/");
        let by_base = bases.map(|it| (it.base.as_str().into(), it.id.clone())).collect();
        Self { door: Arc::clone(door), by_base, management: None }
    }

    /// The same, with management at `url`: a scheme and a host without a slash at the end.
    #[must_use]
    pub fn managed_at(mut self, url: Option<&Arc<str>>) -> Self {
        self.management = url.map(Arc::clone);
        self
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
        match path_at(&self.door, url) {
            Some("" | MCP) => Some(Audience::Door),
            Some(path) => self.collection(path).map(Audience::Collection),
            None => self.own(url).map(Audience::Collection),
        }
    }

    /// The collection of management, where `url` is a resource of its listener: nothing else is there.
    fn own(&self, url: &str) -> Option<CollectionId> {
        let own = CollectionId::own();
        let path = path_at(self.management.as_ref()?, url)?;
        let name = path.strip_prefix(MCP).and_then(|it| it.strip_prefix('/'));
        (path.is_empty() || path == MCP || name == Some(own.as_str())).then_some(own)
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

/// What follows the origin `at` in `url`, without a slash at its end; none where it is elsewhere.
fn path_at<'a>(at: &str, url: &'a str) -> Option<&'a str> {
    let (origin, path) = (url.get(..at.len())?, url.get(at.len()..)?);
    origin.eq_ignore_ascii_case(at).then(|| path.strip_suffix('/').unwrap_or(path))
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

    #[test]
    fn the_address_of_management_stands_for_management_and_for_nothing_else() {
        let door = Resources::new(&"https://door.example".into(), &[]);
        let manage = Arc::from("https://manage.example:8443");
        let managed = door.clone().managed_at(Some(&manage));
        let own = Some(Audience::Collection(CollectionId::own()));
        for (url, want) in [
            ("https://manage.example:8443", own.clone()),
            ("https://Manage.example:8443/", own.clone()),
            ("https://manage.example:8443/mcp", own.clone()),
            ("https://manage.example:8443/mcp/onedoor/", own),
            ("https://manage.example:8443/mcp/orders", None),
            ("https://manage.example:8443/orders", None),
            ("https://manage.example:84430", None),
            ("https://manage.example", None),
            ("https://door.example", Some(Audience::Door)),
        ] {
            assert_eq!(managed.audience(url), want, "{url}");
        }
        assert_eq!(door.audience(&manage), None, "nobody said that management is there");
    }
}
