//! What a door of the bench serves: one operation alone, the state of the demo, or that and a crowd.

use std::net::SocketAddr;

use crate::crowd;

/// Who calls, in every state.
pub(super) const PROFILE: &str = "bench/default";

/// One collection over the upstream, with the one operation that is called.
const COLLECTION: (&str, &str) = (
    "collections/shop.yaml",
    r#"owner: bench
base: /shop
upstream: {url: "http://UPSTREAM"}
document:
  openapi: 3.1.0
  info: {title: Orders, version: "1"}
  paths:
    /orders/{id}:
      get:
        operationId: get_order
        parameters:
          - {name: id, in: path, required: true, schema: {type: integer}}
        responses:
          "200": {description: The order}
"#,
);

/// Of every state: a rate and a quota that are counted and never run out.
const FILES: &[(&str, &str)] = &[
    (
        "clients/bench.yaml",
        "kind: app\nowner: bench\nprofiles:\n  default:\n    roles: [reader]\n    \
         tokens: {grants: [client_credentials], lifetime: 10m}\n",
    ),
    ("roles/reader.yaml", "allow:\n  - operations: [\"shop:*\"]\n    effects: [read]\n"),
    ("limits/rate.yaml", "client: bench\nrate: 1000000/s\n"),
    ("limits/quota.yaml", "client: bench\nquota: 4000000000/day\n"),
];

/// What the demo has, over our upstream. Its rate would refuse the bench, so that is of its agent alone.
const DEMO: &[(&str, &str)] = &[
    (
        "documents/shop.json",
        include_str!("../../../crates/onedoor/src/demo/sample_api/openapi.json"),
    ),
    (
        "collections/shop.yaml",
        "owner: shop-team\nbase: /shop\nupstream: {url: \"http://UPSTREAM\"}\n\
         document: documents/shop.json\nselect: [list_orders, get_order, create_order, \
         update_order, delete_order, slow, fail, stream_orders]\n",
    ),
    (
        "collections/customers.yaml",
        "owner: shop-team\nbase: /crm\nupstream: {url: \"http://UPSTREAM\"}\n\
         document: documents/shop.json\nselect: [list_customers, get_customer]\n",
    ),
    ("roles/shopkeeper.yaml", "allow:\n  - operations: [\"shop:*\", \"customers:*\"]\n"),
    (
        "clients/agent.yaml",
        "kind: agent\nowner: shop-team\nprofiles:\n  default: {roles: [shopkeeper]}\n",
    ),
    ("limits/share.yaml", "client: agent\nper: profile\nrate: 20/s\n"),
    (
        "limits/customers.yaml",
        "client: agent\noperations: [\"customers:list_customers\"]\nper: client\nquota: 5/day\n",
    ),
];

/// What a door serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// One operation and one client, in a folder.
    Plain,
    /// As much as the demo has, in a folder.
    Demo,
    /// One operation and many clients, of which one calls, in a store.
    Crowd {
        /// Clients with ten profiles each.
        clients: usize,
        /// Credentials of each profile.
        credentials: usize,
    },
}

impl State {
    /// 10 profiles with 10 credentials.
    pub(super) const FEW: Self = Self::Crowd { clients: 1, credentials: 1 };
    /// 100,000 profiles with 100,000 credentials.
    pub(super) const MANY: Self = Self::Crowd { clients: 10_000, credentials: 1 };
    /// 10,000 profiles with 100,000 credentials, as `prove management` has them.
    pub(super) const CREDENTIALS: Self = Self::Crowd { clients: 1_000, credentials: 10 };

    /// The files without the crowd.
    pub(super) fn files(self, upstream: SocketAddr) -> Vec<(String, String)> {
        let own: &[(&str, &str)] = match self {
            Self::Demo => DEMO,
            Self::Plain | Self::Crowd { .. } => &[COLLECTION],
        };
        let upstream = upstream.to_string();
        let whole =
            |(path, text): &(&str, &str)| ((*path).to_owned(), text.replace("UPSTREAM", &upstream));
        FILES.iter().chain(own).map(whole).collect()
    }

    /// The crowd; none where the state is a folder.
    pub(super) fn crowd(self) -> Option<Vec<(String, String)>> {
        match self {
            Self::Plain | Self::Demo => None,
            Self::Crowd { clients, credentials } => Some(crowd::files(clients, credentials)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_door_takes_every_state() {
        for state in [State::Plain, State::Demo, State::FEW] {
            let mut folder = state::Folder::new();
            let files = state.files((Ipv4Addr::LOCALHOST, 1).into());
            for (path, text) in files.into_iter().chain(state.crowd().into_iter().flatten()) {
                folder.insert(path, text).unwrap();
            }
            assert_eq!(state::read(&folder).err(), None, "{state:?}");
        }
    }
}
