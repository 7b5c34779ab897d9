//! What people and clients were given is listed and ended by who may, within their reach.

use std::sync::Mutex;

use admin::{
    ConsentView, DepartedView, GrantSelection, GrantState, GrantView, GrantWork, Grants,
    RegistrationView, SignInView,
};
use serde_json::{Value, json};
use state::Desired;

use crate::house::{ADMIN, AUDITOR, House};

/// Somebody who may do everything with what the shop team has.
const KEEPER: &str = "keeper/main";

/// What a server gave, as management is told it.
#[derive(Debug, Default)]
pub(crate) struct TestGrants {
    /// Id, person, client, profile.
    grants: Mutex<Vec<[&'static str; 4]>>,
    ended: Mutex<Vec<String>>,
    departed: Mutex<Option<DepartedView>>,
}

impl TestGrants {
    /// A grant is given.
    fn give(&self, grant: [&'static str; 4]) {
        self.grants.lock().unwrap().push(grant);
    }

    /// Somebody's account is not what it was.
    fn depart(&self, grants: usize, sign_ins: usize) {
        *self.departed.lock().unwrap() = Some(DepartedView { grants, sign_ins });
    }

    fn take_ended(&self) -> Vec<String> {
        std::mem::take(&mut self.ended.lock().unwrap())
    }

    fn found(&self, of: &GrantSelection) -> Vec<[&'static str; 4]> {
        let GrantSelection { id, person, client, profile } = of;
        let fits = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|it| it == is);
        let grants = self.grants.lock().unwrap();
        let found = grants.iter().filter(|[a, b, c, d]| {
            fits(id, a) && fits(person, b) && fits(client, c) && fits(profile, d)
        });
        found.copied().collect()
    }
}

fn view([id, person, client, profile]: [&str; 4]) -> GrantView {
    GrantView {
        id: id.to_owned(),
        client: client.to_owned(),
        client_name: "Agent".to_owned(),
        profile: profile.to_owned(),
        person: Some(person.to_owned()),
        resource: "https://door.example/mcp".to_owned(),
        scope: None,
        admission: None,
        state: if id == "old" { GrantState::Expired } else { GrantState::Good },
        since: "2026-11-25T12:00:00Z".to_owned(),
        last_refreshed: None,
        expires: "2026-12-25T12:00:00Z".to_owned(),
        revoked: None,
    }
}

fn consent([_, person, client, profile]: [&str; 4]) -> ConsentView {
    ConsentView {
        person: person.to_owned(),
        client: client.to_owned(),
        client_name: "Agent".to_owned(),
        host: "agent.example".to_owned(),
        profile: profile.to_owned(),
        scope: None,
        since: "2026-11-25T12:00:00Z".to_owned(),
    }
}

impl Grants for TestGrants {
    fn list<'a>(
        &'a self,
        of: &'a GrantSelection,
        after: Option<&'a str>,
        max: u32,
    ) -> GrantWork<'a, Vec<GrantView>> {
        let mut found = self.found(of);
        found.retain(|it| after.is_none_or(|after| it[0] > after));
        let found = found.into_iter().take(max.try_into().unwrap()).map(view).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn revoke<'a>(&'a self, of: &'a GrantSelection) -> GrantWork<'a, Vec<String>> {
        let ids: Vec<_> = self.found(of).iter().map(|it| it[0].to_owned()).collect();
        self.ended.lock().unwrap().extend(ids.iter().cloned());
        Box::pin(std::future::ready(Ok(ids)))
    }

    fn consents<'a>(
        &'a self,
        person: Option<&'a str>,
        after: Option<(&'a str, &'a str)>,
        max: u32,
    ) -> GrantWork<'a, Vec<ConsentView>> {
        let of = GrantSelection { person: person.map(str::to_owned), ..GrantSelection::default() };
        let mut found = self.found(&of);
        found.sort_by_key(|it| (it[1], it[2]));
        found.retain(|it| after.is_none_or(|after| (it[1], it[2]) > after));
        let found = found.into_iter().take(max.try_into().unwrap()).map(consent).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn consent<'a>(
        &'a self,
        person: &'a str,
        client: &'a str,
    ) -> GrantWork<'a, Option<ConsentView>> {
        let of = GrantSelection {
            person: Some(person.to_owned()),
            client: Some(client.to_owned()),
            ..GrantSelection::default()
        };
        Box::pin(std::future::ready(Ok(self.found(&of).first().copied().map(consent))))
    }

    fn revoke_consent<'a>(&'a self, person: &'a str, client: &'a str) -> GrantWork<'a, usize> {
        self.ended.lock().unwrap().push(format!("{person} {client}"));
        Box::pin(std::future::ready(Ok(1)))
    }

    fn sign_ins<'a>(
        &'a self,
        _: Option<&'a str>,
        _: Option<&'a str>,
        _: u32,
    ) -> GrantWork<'a, (Vec<SignInView>, Option<String>)> {
        Box::pin(std::future::ready(Ok((Vec::new(), None))))
    }

    fn end_sign_ins<'a>(
        &'a self,
        id: Option<&'a str>,
        person: Option<&'a str>,
    ) -> GrantWork<'a, usize> {
        self.ended.lock().unwrap().push(format!("{id:?} {person:?}"));
        Box::pin(std::future::ready(Ok(2)))
    }

    fn registrations<'a>(
        &'a self,
        _: Option<&'a str>,
        _: u32,
    ) -> GrantWork<'a, Vec<RegistrationView>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn delete_registration<'a>(&'a self, id: &'a str) -> GrantWork<'a, (bool, usize)> {
        Box::pin(std::future::ready(Ok((id == "dyn-1", 3))))
    }

    fn end_departed<'a>(
        &'a self,
        before: &'a Desired,
        after: &'a Desired,
    ) -> GrantWork<'a, Option<DepartedView>> {
        let departed = self.departed.lock().unwrap().take();
        let changed = model::difference(&before.users, &after.users, |it| &it.id);
        let mut changed = changed.filter_map(|it| it.before.or(it.after));
        let departed = departed.filter(|_| changed.any(|it| it.id.as_str() == "ann"));
        Box::pin(std::future::ready(Ok(departed)))
    }
}

const DOCUMENT: &str = "https://agent.example/client.json";

async fn house() -> House {
    let keeper = "kind: app\nowner: platform\nprofiles:\n  main: {roles: [{role: admin, owners: [shop-team]}]}\n";
    let client = |owner| format!("kind: agent\nowner: {owner}\nprofiles: {{reader: {{}}}}\n");
    let house = House::with(&[
        ("clients/keeper.yaml", keeper),
        ("clients/ours.yaml", &client("shop-team")),
        ("clients/theirs.yaml", &client("other-team")),
    ])
    .await;
    for grant in [
        ["a", "local:ann", "ours/reader", "ours/reader"],
        ["b", "local:ann", DOCUMENT, "theirs/reader"],
        ["c", "corp:7", DOCUMENT, "ours/reader"],
        ["d", "corp:7", "gone/reader", "gone/reader"],
        ["old", "corp:7", "ours/reader", "ours/reader"],
    ] {
        house.plane.given.give(grant);
    }
    house
}

#[tokio::test]
async fn grants_are_listed_in_pages_and_those_that_ended_where_they_are_asked_for() {
    let house = house().await;
    let list = async |who, parameters: Value| {
        let answer = house.done(who, "list_grants", parameters, Value::Null).await;
        let next = answer.body["next"].clone();
        (answer.ids().join(" "), next)
    };
    let none = Value::Null;
    assert_eq!(list(AUDITOR, json!({})).await, ("a b c d".to_owned(), none.clone()));
    assert_eq!(list(AUDITOR, json!({"ended": true})).await.0, "a b c d old");
    assert_eq!(list(AUDITOR, json!({"person": "local:ann"})).await.0, "a b");
    assert_eq!(list(AUDITOR, json!({"client": DOCUMENT})).await.0, "b c");
    assert_eq!(list(AUDITOR, json!({"limit": 2})).await, ("a b".to_owned(), json!("b")));
    assert_eq!(list(AUDITOR, json!({"limit": 2, "cursor": "b"})).await.0, "c d");
    // What is out of reach is left out, and the list goes on behind it.
    assert_eq!(list(KEEPER, json!({"limit": 2})).await, ("a".to_owned(), json!("b")));
    assert_eq!(list(KEEPER, json!({"limit": 2, "cursor": "b"})).await.0, "c");
}

#[tokio::test]
async fn grants_end_by_what_is_said_of_them_and_within_reach_alone() {
    let house = house().await;
    let nothing = house.ask(ADMIN, "revoke_grants", json!({}), Value::Null).await;
    assert_eq!((nothing.status, nothing.fields()), (422, vec!["parameters"]));
    for (who, parameters, want) in [
        (ADMIN, json!({"person": "local:ann"}), vec!["a", "b"]),
        (ADMIN, json!({"client": DOCUMENT, "person": "corp:7"}), vec!["c"]),
        (ADMIN, json!({"id": "d"}), vec!["d"]),
        (ADMIN, json!({"id": "d", "person": "local:ann"}), vec![]),
        (KEEPER, json!({"client": DOCUMENT}), vec!["c"]),
        (KEEPER, json!({"id": "b"}), vec![]),
        (KEEPER, json!({"person": "corp:7"}), vec!["c"]),
    ] {
        let answer = house.done(who, "revoke_grants", parameters.clone(), Value::Null).await;
        assert_eq!(answer.body["revoked"], want.len(), "{who} {parameters}");
        assert_eq!(house.plane.given.take_ended(), want, "{who} {parameters}");
    }
}

#[tokio::test]
async fn a_consent_is_taken_back_by_who_reaches_its_client() {
    let house = house().await;
    let list = house.done(AUDITOR, "list_consents", json!({"limit": 2}), Value::Null).await;
    let pair = |it: &Value| (it["person"].clone(), it["client"].clone());
    let items: Vec<_> = list.body["items"].as_array().unwrap().iter().map(pair).collect();
    assert_eq!(
        items,
        [(json!("corp:7"), json!("gone/reader")), (json!("corp:7"), json!(DOCUMENT)),]
    );
    let next = json!({"limit": 2, "cursor": list.body["next"]});
    let rest = house.done(AUDITOR, "list_consents", next, Value::Null).await;
    assert_eq!(pair(&rest.body["items"][0]), (json!("corp:7"), json!("ours/reader")));
    let wrong = house.ask(AUDITOR, "list_consents", json!({"cursor": "x"}), Value::Null).await;
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["parameters.cursor"]));
    for (who, person, client, status) in [
        (KEEPER, "local:ann", DOCUMENT, 404),
        (KEEPER, "local:ann", "ours/reader", 200),
        (ADMIN, "local:ann", "nobody/there", 404),
        (ADMIN, "local:ann", DOCUMENT, 200),
    ] {
        let one = json!({"person": person, "client": client});
        let answer = house.ask(who, "revoke_consent", one, Value::Null).await;
        assert_eq!(answer.status, status, "{who} {person} {client}: {}", answer.text);
        let ended = house.plane.given.take_ended();
        assert_eq!(ended.len(), usize::from(status == 200), "{ended:?}");
    }
}

#[tokio::test]
async fn sign_ins_and_registrations_are_of_nobody_who_is_bounded() {
    let house = house().await;
    let person = || json!({"person": "local:ann"});
    let one = || json!({"id": "dyn-1"});
    for (operation, parameters) in [
        ("list_sign_ins", json!({})),
        ("end_sign_ins", person()),
        ("list_registrations", json!({})),
        ("delete_registration", one()),
    ] {
        let bounded = house.ask(KEEPER, operation, parameters.clone(), Value::Null).await;
        assert_eq!(bounded.status, 403, "{operation}: {}", bounded.text);
        assert_eq!(house.plane.given.take_ended(), [""; 0], "{operation}");
        house.done(ADMIN, operation, parameters, Value::Null).await;
        let ended = house.plane.given.take_ended();
        assert_eq!(ended.len(), usize::from(operation == "end_sign_ins"), "{operation}: {ended:?}");
    }
    let all = house.ask(ADMIN, "end_sign_ins", json!({}), Value::Null).await;
    assert_eq!((all.status, all.fields()), (422, vec!["parameters"]));
    let absent = json!({"id": "dyn-2"});
    let absent = house.ask(ADMIN, "delete_registration", absent, Value::Null).await;
    assert_eq!(absent.status, 404, "{}", absent.text);
}

#[tokio::test]
async fn who_changes_an_account_is_told_what_ended_with_it() {
    let house = house().await;
    let ann = || json!({"id": "ann"});
    let put = async |operation, parameters, body| {
        house.plane.given.depart(2, 1);
        house.done(ADMIN, operation, parameters, body).await.body["ended"].clone()
    };
    let told = json!({"grants": 2, "sign_ins": 1});
    let disabled = json!({"name": "Ann", "enabled": false});
    assert_eq!(put("put_user", ann(), disabled).await, told);
    assert_eq!(put("delete_user", ann(), Value::Null).await, told);
    let files = json!({"files": {"users/ann.yaml": "name: Ann\n"}});
    assert_eq!(put("apply_state", json!({}), files).await, told);
    assert_eq!(put("rollback_revision", json!({"number": 2}), json!({})).await, told);
    // Of nobody else, and of nothing else.
    assert_eq!(put("put_user", json!({"id": "ben"}), json!({})).await, Value::Null);
    assert_eq!(put("put_limit", json!({"id": "all"}), json!({"rate": "5/s"})).await, Value::Null);
    let shown = house.done(ADMIN, "get_user", json!({"id": "ben"}), Value::Null).await;
    assert!(shown.body.get("ended").is_none(), "{}", shown.text);
}
