//! Every noun: written, shown, listed, guarded by its version, and deleted when nothing uses it.

use serde_json::{Value, json};

use crate::house::{ADMIN, House, openapi};

/// The noun, its plural, a document, a change of it, and a field that is wrong.
fn nouns() -> Vec<(&'static str, &'static str, Value, Value)> {
    let upstream = json!({"url": "http://shop:8080"});
    let other = json!({"url": "http://shop:8081"});
    let collection = |title| json!({"title": title, "owner": "shop-team", "upstream": upstream, "document": openapi()});
    let client = |owner| json!({"kind": "app", "owner": owner, "profiles": {"default": {"roles": ["viewer"]}}});
    let issuer = |audience| json!({"issuer": "https://id.example.com", "jwks_url": "https://id.example.com/jwks", "audiences": [audience], "algorithms": ["RS256"]});
    let external = |azp| json!({"profile": "boss/viewer", "kind": "external", "expires": "2027-06-01", "issuer": "idp", "claims": {"azp": azp}});
    let admission =
        |host| json!({"profile": "agents/reader", "registrations": ["dynamic"], "hosts": [host]});
    vec![
        ("admission", "admissions", admission("a.example"), admission("b.example")),
        ("client", "clients", client("shop-team"), client("other-team")),
        ("collection", "collections", collection("One"), collection("Two")),
        ("credential", "credentials", external("one"), external("two")),
        (
            "guard",
            "guards",
            json!({"policy": "forbid (principal, action, resource);"}),
            json!({"description": "no", "policy": "forbid (principal, action, resource);"}),
        ),
        ("issuer", "issuers", issuer("door"), issuer("gate")),
        ("limit", "limits", json!({"rate": "5/s"}), json!({"rate": "6/s"})),
        (
            "role",
            "roles",
            json!({"allow": [{"operations": ["onedoor:whoami"]}]}),
            json!({"allow": [{"operations": ["onedoor:get_health"]}]}),
        ),
        (
            "secret",
            "secrets",
            json!({"owner": "shop-team", "source": "store"}),
            json!({"owner": "shop-team", "source": {"env": "SHOP_KEY"}}),
        ),
        (
            "stop",
            "stops",
            json!({"client": "agents", "because": "its key leaked"}),
            json!({"agents": "all", "because": "they run wild"}),
        ),
        ("upstream", "upstreams", upstream.clone(), other),
        ("user", "users", json!({"name": "Ann"}), json!({"name": "Ann B", "groups": ["staff"]})),
    ]
}

async fn house() -> House {
    let idp = "issuer: https://idp.example.com\njwks_url: https://idp.example.com/jwks\naudiences: [door]\nalgorithms: [RS256]\n";
    let agents = "kind: agent\nowner: shop-team\nprofiles:\n  reader:\n    tokens: {grants: [authorization_code], redirect_uris: [\"https://a.example\"]}\n";
    House::with(&[("issuers/idp.yaml", idp), ("clients/agents.yaml", agents)]).await
}

#[tokio::test]
async fn every_noun_is_written_shown_listed_and_deleted() {
    let house = house().await;
    for (noun, nouns, one, two) in nouns() {
        let name = |verb: &str| format!("{verb}_{noun}");
        let (get, put, delete) = (name("get"), name("put"), name("delete"));
        let id = json!({"id": "some"});
        let none = house.ask(ADMIN, &get, id.clone(), Value::Null).await;
        assert_eq!(none.status, 404, "{noun}");
        let made = house.done(ADMIN, &put, id.clone(), one.clone()).await;
        let shown = house.done(ADMIN, &get, id.clone(), Value::Null).await;
        assert_eq!((&made.body, &made.etag), (&shown.body, &shown.etag), "{noun}");
        assert_eq!(shown.body["etag"].as_str(), shown.etag.as_deref());
        for (field, value) in one.as_object().unwrap() {
            // What is as it would be anyway is not written, and a date has its time.
            let is = &shown.body["document"][field];
            assert!(is == value || is.is_null() || field == "expires", "{noun}.{field}: {is}");
        }
        let listed = house.done(ADMIN, &format!("list_{nouns}"), json!({}), Value::Null).await;
        let item = listed.body["items"].as_array().unwrap().iter().find(|it| it["id"] == "some");
        assert_eq!(item, Some(&shown.body), "{noun}");

        // Writing what is there changes nothing.
        let head = house.admin.revision();
        let same = shown.body["document"].clone();
        assert_eq!(house.done(ADMIN, &put, id.clone(), same).await.etag, shown.etag);
        assert_eq!(house.admin.revision(), head, "{noun}");

        let with = |key: &str, value: &str| json!({"id": "some", key: value});
        for (key, value) in [("If-Match", "\"0\""), ("If-None-Match", "*")] {
            let late = house.ask(ADMIN, &put, with(key, value), two.clone()).await;
            assert_eq!(late.status, 412, "{noun} {key}: {}", late.text);
        }
        let etag = shown.etag.unwrap();
        let changed = house.done(ADMIN, &put, with("If-Match", &etag), two).await;
        assert_ne!(changed.etag.as_ref(), Some(&etag), "{noun}");
        let late = house.ask(ADMIN, &delete, with("If-Match", &etag), Value::Null).await;
        assert_eq!(late.status, 412, "{noun}");
        let deleted = house.done(ADMIN, &delete, id.clone(), Value::Null).await;
        assert_eq!(deleted.revision(), house.admin.revision());
        assert_eq!(house.ask(ADMIN, &get, id.clone(), Value::Null).await.status, 404);
        let gone = house.ask(ADMIN, &delete, id, Value::Null).await;
        assert_eq!(gone.status, 404, "{noun}");
        let stale = house.ask(ADMIN, &put, with("If-Match", "*"), one).await;
        assert_eq!(stale.status, 412, "{noun}");
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_all_at_once_by_their_paths() {
    let house = house().await;
    for (noun, _, mut one, _) in nouns() {
        one["zzz"] = json!(1);
        let put = format!("put_{noun}");
        let answer = house.ask(ADMIN, &put, json!({"id": "some"}), one).await;
        assert_eq!(answer.status, 422, "{noun}: {}", answer.text);
        assert!(answer.text.contains("zzz"), "{noun}: {}", answer.text);
    }
    let wrong = json!({
        "kind": "robot", "owner": 7, "id": "x",
        "profiles": {"default": {"roles": "admin", "rules": []}},
    });
    let answer = house.ask(ADMIN, "put_client", json!({"id": "some"}), wrong).await;
    let want = [
        "body.id",
        "body.kind",
        "body.owner",
        "body.profiles.default.roles",
        "body.profiles.default.rules",
    ];
    assert_eq!((answer.status, answer.fields()), (422, want.to_vec()), "{}", answer.text);
}

#[tokio::test]
async fn what_an_operation_does_not_know_is_told_the_same_wherever_it_was_sent() {
    let house = house().await;
    let (id, name) = (json!({"id": "some"}), json!({"id": "some", "surprise": "x"}));
    let put = json!({"rate": "5/s"});
    let in_query = house.ask(ADMIN, "put_limit", name, put.clone()).await;
    let in_body = json!({"rate": "5/s", "surprise": "x"});
    let in_body = house.ask(ADMIN, "put_limit", id.clone(), in_body).await;
    assert_eq!((in_query.status, in_query.fields()), (422, vec!["surprise"]));
    assert_eq!(in_query.text, in_body.text);
    let help = in_query.body["errors"][0]["help"].as_str().unwrap();
    assert!(help.starts_with("the operation takes id, ") && help.contains("rate"), "{help}");

    // What it knows and was sent elsewhere gets its place told.
    let misplaced = json!({"id": "some", "rate": "5/s"});
    let misplaced = house.ask(ADMIN, "put_limit", misplaced, put).await;
    assert_eq!((misplaced.status, misplaced.fields()), (422, vec!["parameters.rate"]));
    let with_id = json!({"rate": "5/s", "id": "some"});
    let with_id = house.ask(ADMIN, "put_limit", id, with_id).await;
    assert_eq!((with_id.status, with_id.fields()), (422, vec!["body.id"]));
    assert!(with_id.text.contains("it belongs in the path"), "{}", with_id.text);
}

#[tokio::test]
async fn what_state_finds_is_told_by_field() {
    let house = house().await;
    let client = json!({"kind": "app", "owner": "x", "profiles": {
        "default": {"roles": ["nobody"], "networks": ["10.0.0.1/8"]},
        "Other": {"roles": []},
    }});
    let answer = house.ask(ADMIN, "put_client", json!({"id": "shop"}), client).await;
    assert_eq!(answer.status, 422);
    let fields = answer.fields();
    for field in [
        "body.profiles.default.roles[0]",
        "body.profiles.default.networks[0]",
        "body.profiles.Other",
    ] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    let reserved = house.ask(ADMIN, "put_role", json!({"id": "admin"}), json!({"allow": []})).await;
    assert_eq!(reserved.status, 422, "{}", reserved.text);
    let house = House::with(&[
        ("upstreams/erp.yaml", "url: http://erp\n"),
        ("collections/shop.yaml", "owner: x\nupstream: erp\ndocument: documents/shop.json\n"),
        ("documents/shop.json", &openapi().to_string()),
    ])
    .await;
    // The fault is of another document than the one that was sent.
    let files = json!({"files": {"clients/a.yaml": "kind: app\nowner: x\nprofiles: {p: {roles: [nobody]}}\n"}});
    let answer = house.ask(ADMIN, "apply_state", json!({}), files).await;
    assert_eq!(answer.fields(), ["clients/a.yaml:3 profiles.p.roles[0]"], "{}", answer.text);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted_and_the_answer_says_by_what() {
    let document = openapi().to_string();
    let house = House::with(&[
        ("roles/reader.yaml", "allow: [{operations: ['shop:*']}]\n"),
        ("clients/app.yaml", "kind: app\nowner: x\nprofiles: {default: {roles: [reader]}}\n"),
        ("secrets/key.yaml", "owner: x\nsource: store\n"),
        ("upstreams/erp.yaml", "url: http://erp\nauth: {kind: bearer, secret: key}\n"),
        ("collections/shop.yaml", "owner: x\nupstream: erp\ndocument: documents/shop.json\n"),
        ("documents/shop.json", &document),
        ("limits/app.yaml", "client: app\nrate: 5/s\n"),
    ])
    .await;
    for (noun, id, user) in [
        ("role", "reader", "clients/app.yaml"),
        ("client", "app", "limits/app.yaml"),
        ("secret", "key", "upstreams/erp.yaml"),
        ("upstream", "erp", "collections/shop.yaml"),
        ("collection", "shop", "roles/reader.yaml"),
    ] {
        let delete = format!("delete_{noun}");
        let answer = house.ask(ADMIN, &delete, json!({"id": id}), Value::Null).await;
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.text.contains(user), "{}", answer.text);
    }
    assert_eq!(house.admin.revision(), 1);
}

#[tokio::test]
async fn pages_are_filtered_sorted_and_followed_to_their_end() {
    let house = House::new().await;
    for number in 0..7 {
        let owner = if number % 2 == 0 { "even" } else { "odd" };
        let body = json!({"kind": "app", "owner": owner, "description": format!("{}", 9 - number)});
        house.done(ADMIN, "put_client", json!({"id": format!("c{number}")}), body).await;
    }
    let list =
        async |parameters: Value| house.done(ADMIN, "list_clients", parameters, Value::Null).await;
    let page = list(json!({"filter": "owner=even", "sort": "-id", "limit": 3})).await;
    assert_eq!((page.ids(), page.body["total"].as_u64()), (vec!["c6", "c4", "c2"], Some(4)));
    let next = page.body["next"].clone();
    let page =
        list(json!({"filter": "owner=even", "sort": "-id", "limit": 3, "cursor": next})).await;
    assert_eq!((page.ids(), &page.body["next"]), (vec!["c0"], &Value::Null));
    let page = list(json!({"filter": "owner=odd", "sort": "description"})).await;
    assert_eq!(page.ids(), ["c5", "c3", "c1"]);
    // What a page ended with may be gone when the next is asked for.
    let page = list(json!({"limit": 3})).await;
    assert_eq!(page.ids(), ["boss", "c0", "c1"]);
    house.done(ADMIN, "delete_client", json!({"id": "c1"}), Value::Null).await;
    let page = list(json!({"limit": 2, "cursor": "c1"})).await;
    assert_eq!(page.ids(), ["c2", "c3"]);
    for wrong in [
        json!({"limit": 0}),
        json!({"limit": "x"}),
        json!({"sort": "a b"}),
        json!({"filter": "x"}),
        json!({"page": 1}),
    ] {
        let answer = house.ask(ADMIN, "list_clients", wrong, Value::Null).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_collection_goes_from_import_to_retirement() {
    let house = House::new().await;
    let body =
        json!({"id": "shop", "owner": "x", "upstream": "http://shop", "document": openapi()});
    let made = house.done(ADMIN, "import_collection", json!({}), body.clone()).await;
    assert_eq!((made.status, &made.body["document"]["state"]), (201, &json!("draft")));
    assert_eq!(house.ask(ADMIN, "import_collection", json!({}), body.clone()).await.status, 409);
    let seen = async || {
        let list = house.done(ADMIN, "list_operations", json!({"collection": "shop"}), Value::Null);
        list.await.ids().len()
    };
    assert_eq!(seen().await, 0);
    for (verb, count) in [("publish", 2), ("unpublish", 0), ("publish", 2), ("retire", 0)] {
        let verb = format!("{verb}_collection");
        house.done(ADMIN, &verb, json!({"id": "shop"}), Value::Null).await;
        assert_eq!(seen().await, count, "{verb}");
    }
    let copy = json!({"to": "shop2"});
    let copy = house.done(ADMIN, "duplicate_collection", json!({"id": "shop"}), copy).await;
    assert_eq!(copy.body["document"]["state"], "draft");
    // The copy has the same OpenAPI document: it stays until nobody has it.
    house.done(ADMIN, "delete_collection", json!({"id": "shop"}), Value::Null).await;
    assert_eq!(house.ask(ADMIN, "import_collection", json!({}), body.clone()).await.status, 409);
    house.done(ADMIN, "delete_collection", json!({"id": "shop2"}), Value::Null).await;
}

#[tokio::test]
async fn a_document_is_imported_in_every_style_that_yaml_has() {
    let house = House::new().await;
    let flow = "{openapi: 3.1.0, info: {title: Shop, version: '1'},\n  paths: {/x: {get: {operationId: x, responses: {'200': {description: X}}}}}}";
    let block = "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\npaths:\n  /x:\n    get:\n      operationId: x\n      responses: {'200': {description: X}}\n";
    for (id, text) in [("flow", flow), ("block", block), ("json", &openapi().to_string())] {
        let body = json!({"id": id, "owner": "x", "upstream": "http://shop", "document": text});
        let made = house.ask(ADMIN, "import_collection", json!({}), body).await;
        assert_eq!(made.status, 201, "{id}: {}", made.text);
    }
}

#[tokio::test]
async fn a_collection_that_was_deleted_can_be_imported_again() {
    let house = House::new().await;
    let body =
        json!({"id": "shop", "owner": "x", "upstream": "http://shop", "document": openapi()});
    for _ in 0..2 {
        house.done(ADMIN, "import_collection", json!({}), body.clone()).await;
        house.done(ADMIN, "delete_collection", json!({"id": "shop"}), Value::Null).await;
    }
}
