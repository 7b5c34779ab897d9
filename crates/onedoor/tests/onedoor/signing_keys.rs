//! `onedoor signing_key`: a successor in time, and an end at once.

use serde_json::Value;

use crate::{
    binary::{STATE, write},
    managed::Managed,
};

const CLIENT: &str = "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [reader]\n    tokens: {grants: [client_credentials]}\n";
const VIEW: &str = "/orders/openapi.json";

async fn token(managed: &Managed, secret: &str) -> String {
    let form =
        format!("grant_type=client_credentials&client_id=app%2Fdefault&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = managed.door.client().send("POST", "/oauth/token", &headers, form).await.json();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The id and the state of each key, newest first.
fn keys(managed: &Managed) -> Vec<(String, String)> {
    let answer: Value =
        serde_json::from_str(&managed.done(&["signing_key", "list", "--json"])).unwrap();
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|it| (text(it, "id"), text(it, "state"))).collect()
}

#[tokio::test]
async fn an_operator_replaces_the_key_that_signs_and_withdraws_one() {
    let managed = Managed::start();
    write(managed.folder.path(), STATE);
    write(managed.folder.path(), &[("state/clients/app.yaml", CLIENT)]);
    managed.done(&["apply", "-f", "state"]);
    let issue =
        ["credential", "issue", "--profile", "app/default", "--kind", "client_secret", "--json"];
    let issued: Value = serde_json::from_str(&managed.done(&issue)).unwrap();
    let secret = issued["secret"].as_str().or_else(|| issued["key"].as_str()).unwrap();
    let old = token(&managed, secret).await;
    let [(first, _)] = keys(&managed).try_into().unwrap();

    managed.done(&["signing_key", "rotate"]);
    let again = managed.run(&["signing_key", "rotate"]);
    assert_eq!(again.code, 6, "{}", again.err);
    assert!(again.err.contains("wait for that"), "{}", again.err);
    let wrong = managed.run(&["signing_key", "rotate", "--ahead", "1s"]);
    assert_eq!(wrong.code, 7, "{}", wrong.err);
    let states: Vec<_> = keys(&managed).into_iter().map(|it| it.1).collect();
    assert_eq!(states, ["next", "signing"]);
    assert_eq!(managed.door.get(VIEW, &old).0, 200);

    let told = managed.done(&["signing_key", "withdraw", &first]);
    assert!(told.contains("was_there: true"), "{told}");
    assert_eq!(managed.door.get(VIEW, &old).0, 401);
    // The next one signs sooner now: whoever asks meanwhile waits for it.
    let new = token(&managed, secret).await;
    assert_eq!(managed.door.get(VIEW, &new).0, 200);
    assert_eq!(keys(&managed).len(), 1);
    assert!(managed.done(&["signing_key", "withdraw", &first]).contains("was_there: false"));
    assert_eq!(managed.door.get(VIEW, &new).0, 200);
}
