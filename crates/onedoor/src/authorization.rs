//! The authorization server in a running door: between who carries requests and who decides calls.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use gateway::{AuthorizationFuture, AuthorizationRequest, AuthorizationServer, Gateway};
use http::{Method, Response};
use identity::api_key::Pepper;
use model::{
    Caller, ClientId, ClientKind, CredentialId, KnownBy, LastUse, ProfileId, Timestamp, TokenBounds,
};
use oauth::{Algorithm, Parts, Permitted, Plane, Request, Server};
use secrets::Keyring;
use serde_json::{Map, Value};
use store::Store;
use upstream::Trust;

use crate::serving::{DocumentEgress, IssuerEgress};

/// Adds the authorization server to what `gateway` serves, where it has the face of one.
pub(crate) fn mount(
    gateway: &Arc<Gateway>,
    store: Store,
    keyring: Arc<Keyring>,
    (pepper, signing): (&Arc<Pepper>, Algorithm),
) -> Option<Arc<Server>> {
    let live = gateway.live();
    let server = Server::new(Parts {
        issuer: Arc::clone(live.own_issuer.as_ref()?),
        store,
        keyring,
        pepper: Arc::clone(pepper),
        log: Arc::clone(&live.log),
        signing,
        clock: live.clock.clone(),
        plane: Arc::new(Rules(Arc::clone(gateway))),
        key_sets: Arc::clone(&live.key_sets),
        proofs: Arc::clone(&live.proofs),
        asks_for_certificates: gateway.asks_for_certificates(),
        strangers: Arc::new(DocumentEgress(live.fleet.egress(Trust::Stranger))),
        outside: Arc::new(IssuerEgress::new(&live.fleet)),
    });
    gateway.authorize_by(Arc::new(Face(Arc::clone(&server))));
    Some(server)
}

/// The server, as the data plane sees it.
struct Face(Arc<Server>);

impl AuthorizationServer for Face {
    fn answer(&self, request: AuthorizationRequest) -> AuthorizationFuture<'_> {
        let AuthorizationRequest {
            id,
            at,
            peer,
            carrier,
            certificate,
            method,
            path,
            query,
            headers,
            body,
        } = request;
        let request =
            Request { id, at, peer, carrier, certificate, method, path, query, headers, body };
        Box::pin(self.0.answer(request))
    }

    fn absent(&self, method: &Method, path: &str) -> Option<Response<Bytes>> {
        Server::absent(method, path)
    }
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The data plane, as the server sees it.
#[derive(Debug)]
struct Rules(Arc<Gateway>);

impl Plane for Rules {
    fn permitted(&self, profile: &ProfileId, bounds: &TokenBounds) -> Vec<Permitted> {
        let Ok(client) = ClientId::parse(profile.client()) else { return Vec::new() };
        let caller = Caller {
            client,
            kind: ClientKind::Agent,
            profile: profile.clone(),
            credential: None,
            user: None,
            actors: Vec::new(),
            bounds: Some(Arc::new(bounds.clone())),
            known_by: KnownBy::default(),
        };
        let snapshot = self.0.snapshot();
        // A person is not asked about the credentials of the client.
        let routes = snapshot.routes().filter(|it| !it.operation().collection.is_self_service());
        let allowed = routes.filter(|it| policy::allows(snapshot.rules(), &caller, it.operation()));
        let permitted = allowed.map(|it| {
            let contract = it.contract();
            let summary = contract.summary.clone();
            Permitted {
                collection: it.operation().collection.to_string(),
                summary: summary.unwrap_or_else(|| it.operation().id.name().replace('_', " ")),
                effect: it.operation().effect,
            }
        });
        permitted.collect()
    }

    fn admits(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), String> {
        self.0.admits(claims, now).map_err(|it| match it.cause() {
            Some(cause) => cause.to_owned(),
            None => it.to_string(),
        })
    }

    fn note_use(&self, credential: &CredentialId, of: LastUse) {
        self.0.note_use(credential.clone(), of);
    }
}
