//! A door to be managed, and people who may manage more or less of it.

use std::sync::Arc;

use admin::{About, Admin, Call, Webhook};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use model::{
    Caller, ClientId, ClientKind, Clock, CredentialId, ProfileId, Reach, RequestId, Surface,
    Timestamp,
};
use secrets::Keyring;
use serde_json::{Value, json};
use store::{Commit, Location, Store};

use crate::plane::TestPlane;

/// Who is not bounded.
pub(crate) const ADMIN: &str = "boss/admin";
pub(crate) const AUDITOR: &str = "boss/auditor";
pub(crate) const EDITOR: &str = "boss/editor";
/// An editor of what the shop team has.
pub(crate) const TEAM: &str = "team/editor";

const BOSS: &str = "kind: app
owner: platform
profiles:
  admin: {roles: [admin]}
  auditor: {roles: [auditor]}
  editor: {roles: [editor]}
  viewer: {roles: [viewer]}
";
const TEAM_CLIENT: &str = "kind: app
owner: platform
profiles:
  editor: {roles: [{role: editor, owners: [shop-team]}]}
  viewer: {roles: [{role: viewer, owners: [shop-team]}]}
";

pub(crate) struct House {
    pub(crate) admin: Arc<Admin>,
    pub(crate) plane: Arc<TestPlane>,
    pub(crate) store: Store,
    operations: Vec<About>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// Files as a commit takes them.
pub(crate) fn commit(files: &[(&str, &str)]) -> Commit {
    Commit {
        base: None,
        author: "init".to_owned(),
        reason: String::new(),
        request_id: String::new(),
        at: now(),
        files: files.iter().map(|(path, text)| ((*path).into(), Some((*text).into()))).collect(),
        sealed: Vec::new(),
        lines: Vec::new(),
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-25T12:00:00Z").unwrap()
}

/// A small OpenAPI document.
pub(crate) fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/orders": {
            "get": {"operationId": "list_orders", "responses": {"200": {"description": "ok"}}},
            "post": {"operationId": "add_order", "responses": {"200": {"description": "ok"}}},
        }},
    })
}

impl House {
    /// A door in memory.
    pub(crate) async fn new() -> Self {
        Self::at(&Location::Memory, &[]).await
    }

    /// A door in memory with these files besides its operators.
    pub(crate) async fn with(files: &[(&str, &str)]) -> Self {
        Self::at(&Location::Memory, files).await
    }

    /// A door whose state is at `location`; its operators are put there where there are none yet.
    pub(crate) async fn at(location: &Location, files: &[(&str, &str)]) -> Self {
        Self::keyed(location, files, Keyring::generate("k1").unwrap().0).await
    }

    /// The same, whose values are sealed with the keys of `keyring`.
    pub(crate) async fn keyed(
        location: &Location,
        files: &[(&str, &str)],
        keyring: Keyring,
    ) -> Self {
        Self::telling(location, files, keyring, (Clock::system(), Vec::new())).await
    }

    /// The same by another clock, which tells webhooks what happens to credentials.
    pub(crate) async fn telling(
        location: &Location,
        files: &[(&str, &str)],
        keyring: Keyring,
        (clock, webhooks): (Clock, Vec<Webhook>),
    ) -> Self {
        let store = Store::open(location).await.unwrap();
        if store.head().await.unwrap() == 0 {
            let mut all = vec![("clients/boss.yaml", BOSS), ("clients/team.yaml", TEAM_CLIENT)];
            all.extend(files);
            store.commit(&commit(&all)).await.unwrap();
        }
        let plane = TestPlane::new();
        let admin = Admin::new(Some(store.clone()), plane.clone(), Some(Arc::new(keyring)), clock)
            .unwrap()
            .telling(webhooks);
        admin.start().await.unwrap();
        Self { admin: Arc::new(admin), plane, store, operations: admin::operations() }
    }

    pub(crate) fn about(&self, operation: &str) -> &About {
        self.operations.iter().find(|it| it.name == operation).unwrap()
    }

    /// The call of `who`, which it may make.
    pub(crate) fn call(
        &self,
        who: &str,
        operation: &str,
        parameters: &Value,
        body: &Value,
    ) -> Call {
        let caller = caller(who);
        let reach = self.plane.reach(&caller, operation);
        let reach = reach.unwrap_or_else(|| panic!("{who} may not call {operation}"));
        prepared(self.about(operation), caller, reach, (parameters, body))
    }

    /// Asks for something that a client does for itself.
    pub(crate) async fn ask_own(
        &self,
        who: &str,
        operation: &str,
        parameters: Value,
        body: Value,
    ) -> Answer {
        self.send_own(&own_call(who, operation, &parameters, &body)).await
    }

    /// The same with a call that a test has changed.
    pub(crate) async fn send_own(&self, call: &Call) -> Answer {
        answer(self.admin.carry_out_for_client(call).await)
    }

    /// Carries a call of `who` out.
    pub(crate) async fn ask(
        &self,
        who: &str,
        operation: &str,
        parameters: Value,
        body: Value,
    ) -> Answer {
        self.send(&self.call(who, operation, &parameters, &body)).await
    }

    /// The same, which has to go well.
    pub(crate) async fn done(
        &self,
        who: &str,
        operation: &str,
        parameters: Value,
        body: Value,
    ) -> Answer {
        let answer = self.ask(who, operation, parameters, body).await;
        assert!(answer.status < 300, "{operation}: {}", answer.text);
        answer
    }

    pub(crate) async fn send(&self, call: &Call) -> Answer {
        answer(self.admin.carry_out(call).await)
    }
}

/// A call of what `who` does for itself.
pub(crate) fn own_call(who: &str, operation: &str, parameters: &Value, body: &Value) -> Call {
    let operations = admin::self_service_operations();
    let about = operations.iter().find(|it| it.name == operation).unwrap();
    prepared(about, caller(who), Reach::default(), (parameters, body))
}

fn prepared(
    about: &About,
    caller: Caller,
    reach: Reach,
    (parameters, body): (&Value, &Value),
) -> Call {
    let mut call = Call {
        operation: about.name.to_owned(),
        caller: Arc::new(caller),
        reach,
        id: RequestId::new(uuid::Uuid::from_u128(7)),
        at: now(),
        surface: Surface::Rest,
        certificate: None,
        path: about.path.to_owned(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: if body.is_null() { Bytes::new() } else { body.to_string().into() },
    };
    for (name, value) in parameters.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        match about.place(name) {
            "path" => call.path = call.path.replace(&format!("{{{name}}}"), &text),
            "header" => {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                call.headers.append(name, HeaderValue::from_str(&text).unwrap());
            }
            _ => call.query.push((name.clone(), Some(text))),
        }
    }
    call
}

fn answer(response: Response<Bytes>) -> Answer {
    let etag = response.headers().get(http::header::ETAG);
    let etag = etag.map(|it| it.to_str().unwrap().to_owned());
    let status = response.status();
    let text = String::from_utf8(response.into_body().to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    if status.is_client_error() || status == StatusCode::INSUFFICIENT_STORAGE {
        let body: &Value = &body;
        assert_eq!(body["status"], status.as_u16(), "{text}");
        assert!(body["detail"].is_string(), "{text}");
    }
    Answer { status: status.as_u16(), etag, body, text }
}

impl Answer {
    /// Where things are wrong, in order.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        let mut fields: Vec<_> = errors.map(|it| it["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        fields
    }

    /// The ids of a page.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let items = self.body["items"].as_array().unwrap();
        items.iter().map(|it| it["id"].as_str().unwrap()).collect()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.body["revision"].as_u64().unwrap()
    }
}

pub(crate) fn caller(profile: &str) -> Caller {
    let profile = ProfileId::parse(profile).unwrap();
    Caller {
        client: ClientId::parse(profile.client()).unwrap(),
        kind: ClientKind::App,
        profile,
        credential: Some(CredentialId::parse("boss-1").unwrap()),
        ..Caller::anonymous()
    }
}
