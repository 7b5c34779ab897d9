//! Clients that replace their own credentials, over both surfaces: from the tool to the record.

use std::fs;

use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::{
    binary::{STATE, onedoor, write},
    managed::Managed,
    serving::Serving,
};

const CREDENTIALS: &str = "/onedoor/self/v1/credentials";
const VIEW: &str = "/orders/openapi.json";
const TOOLS: [&str; 3] =
    ["self_list_credentials", "self_retire_credential", "self_rotate_credential"];

/// A profile that may, another that may not, and one that may and gets tokens.
const CLIENT: &str = "kind: agent
owner: team
profiles:
  default: {roles: [reader], rotation: {lifetime_max: 30d, self_service: true}}
  plain: {roles: [reader]}
  batch:
    roles: [reader]
    rotation: {lifetime_max: 30d, self_service: true}
    tokens: {grants: [client_credentials]}
";

fn managed() -> Managed {
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    write(managed.folder.path(), &[("state/clients/app.yaml", CLIENT)]);
    managed.done(&["apply", "-f", "state"]);
    managed
}

fn issue(managed: &Managed, profile: &str, kind: &str) -> (String, String) {
    let typed = ["credential", "issue", "--profile", profile, "--kind", kind, "--json"];
    let issued: Value = serde_json::from_str(&managed.done(&typed)).unwrap();
    let key = issued["key"].as_str().or_else(|| issued["secret"].as_str());
    (issued["id"].as_str().unwrap().to_owned(), key.unwrap().to_owned())
}

async fn by_rest(door: &Client, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut headers = Vec::new();
    if !key.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    door.send(method, &format!("{CREDENTIALS}{path}"), &headers, body.to_owned()).await
}

/// What a tool answers, which has to go well.
async fn by_tool(door: &Client, key: &str, tool: &str, arguments: Value) -> Value {
    let answer = door.call_tool(key, tool, &arguments).await;
    let result = answer.json()["result"].clone();
    assert_eq!(result["isError"], false, "{tool}: {}", answer.text());
    result["structuredContent"].clone()
}

async fn own_tools(door: &Client, key: &str) -> Vec<String> {
    let tools = door.list_tools(key).await.concat();
    let names = tools.iter().map(|it| it["name"].as_str().unwrap().to_owned());
    names.filter(|it| it.starts_with("self_")).collect()
}

#[tokio::test]
async fn a_key_is_replaced_by_its_holder_on_either_surface_and_is_in_no_record() {
    let managed = managed();
    let door = managed.door.client();
    let (first, key) = issue(&managed, "app/default", "api_key");
    assert_eq!(own_tools(&door, &key).await, TOOLS);
    let list = by_rest(&door, &key, "GET", "", "").await.json();
    let item = &list["items"][0];
    assert_eq!((&item["id"], &item["current"]), (&json!(first), &json!(true)), "{list}");

    let rotated =
        by_rest(&door, &key, "POST", &format!("/{first}/rotate"), r#"{"overlap": "1d"}"#).await;
    assert_eq!(rotated.status, 201, "{}", rotated.text());
    let rotated = rotated.json();
    let (second, next) = (&rotated["id"], rotated["key"].as_str().unwrap());
    assert_eq!([managed.door.get(VIEW, &key).0, managed.door.get(VIEW, next).0], [200, 200]);
    let again =
        by_tool(&door, next, "self_rotate_credential", json!({"id": second, "overlap": "1d"}))
            .await;
    let last = again["key"].as_str().unwrap();
    let forced = json!({"id": first, "force": true});
    let retired = by_tool(&door, last, "self_retire_credential", forced).await;
    assert_eq!(retired["state"], "retired");
    let got = [&*key, next, last].map(|it| managed.door.get(VIEW, it).0);
    assert_eq!(got, [401, 200, 200]);

    let segment = ".onedoor/audit/00000000000000000000.jsonl";
    let records = fs::read_to_string(managed.folder.path().join(segment)).unwrap();
    // An intent and an outcome of each.
    let rotations = records.matches("\"self.rotate_credential\"").count();
    assert_eq!(rotations, 4, "{records}");
    for secret in [&*key, next, last] {
        assert!(!records.contains(secret), "a key stands in the records");
    }
    let revisions = managed.done(&["revision", "list"]);
    assert_eq!(revisions.matches("app/default").count(), 3, "{revisions}");
}

#[tokio::test]
async fn who_may_not_sees_none_of_it_and_management_stays_where_it_is() {
    let managed = managed();
    let door = managed.door.client();
    let (id, plain) = issue(&managed, "app/plain", "api_key");
    assert_eq!(own_tools(&door, &plain).await, <[String; 0]>::default());
    for (method, path, body) in
        [("GET", String::new(), ""), ("POST", format!("/{id}/rotate"), "{}")]
    {
        let denied = by_rest(&door, &plain, method, &path, body).await;
        assert_eq!(denied.status, 403, "{}", denied.text());
        assert_eq!(by_rest(&door, "", method, &path, body).await.status, 401);
    }
    let denied = door.call_tool(&plain, "self_rotate_credential", &json!({"id": id})).await;
    assert!(denied.json()["error"].is_object(), "{}", denied.text());
    let (_, key) = issue(&managed, "app/default", "api_key");
    assert_eq!(managed.door.get(CREDENTIALS, &key).0, 200);
    assert_eq!(managed.door.manage(CREDENTIALS, &key).0, 404, "by the listener of management");
    assert_eq!(managed.door.get("/onedoor/v1/credentials", &key).0, 404);
    // What one may do for itself does not reach another of the same client.
    let theirs = by_rest(&door, &key, "POST", &format!("/{id}/rotate"), "{}").await;
    assert_eq!(theirs.status, 404, "{}", theirs.text());
}

#[tokio::test]
async fn a_client_secret_is_replaced_with_a_token_that_was_got_by_it() {
    let managed = managed();
    let door = managed.door.client();
    let (id, secret) = issue(&managed, "app/batch", "client_secret");
    let token = token(&door, &secret).await;
    let rotated = by_tool(&door, &token, "self_rotate_credential", json!({"id": id})).await;
    let next = rotated["secret"].as_str().unwrap();
    assert!(next.starts_with("ods_"), "{rotated}");
    assert_eq!(own_tools(&door, &self::token(&door, next).await).await, TOOLS);
    // A token for one collection is none for this.
    let narrow = got(&door, &secret, "&scope=collection:orders").await;
    assert_eq!(own_tools(&door, narrow["access_token"].as_str().unwrap()).await.len(), 0);
}

async fn token(door: &Client, secret: &str) -> String {
    let given = got(door, secret, "").await;
    given["access_token"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned()
}

async fn got(door: &Client, secret: &str, more: &str) -> Value {
    let form =
        format!("grant_type=client_credentials&client_id=app%2Fbatch&client_secret={secret}{more}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    door.send("POST", "/oauth/token", &headers, form).await.json()
}

#[tokio::test]
async fn where_a_folder_is_served_the_refusal_says_who_can() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), STATE);
    write(folder.path(), &[("state/clients/app.yaml", CLIENT)]);
    let made = onedoor(folder.path(), &["credential", "new", "app/default", "--expires", "20d"]);
    let key = made.out.trim();
    let served = Serving::start(folder.path());
    let door = served.client();
    let list = by_rest(&door, key, "GET", "", "").await;
    assert_eq!(list.status, 200, "{}", list.text());
    let id = list.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let refused = by_rest(&door, key, "POST", &format!("/{id}/rotate"), "{}").await;
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.text().contains("only its operator changes that"), "{}", refused.text());
}
