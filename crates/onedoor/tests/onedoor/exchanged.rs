//! One client acts for another: the token that it got in exchange, on both surfaces, and its end.

use std::path::Path;

use serde_json::json;
use testkit::Recorder;

use crate::{
    binary::{STATE, onedoor, write},
    serving::Serving,
};

const CLIENTS: [(&str, &str); 3] = [
    (
        "state/clients/app.yaml",
        "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [reader]\n",
    ),
    (
        "state/clients/batch.yaml",
        "kind: service\nowner: team\nprofiles:\n  main:\n    roles: [reader, sweeper]\n    \
         tokens: {grants: [client_credentials]}\n",
    ),
    (
        "state/clients/relay.yaml",
        "kind: service\nowner: team\nprofiles:\n  main:\n    roles: [reader]\n    \
         tokens: {grants: [token_exchange]}\n",
    ),
];
const SWEEPER: &str = "allow:\n  - operations: ['orders:*']\n";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const ACCESS_TOKEN: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

async fn token(door: &Serving, form: String) -> String {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = door.client().send("POST", "/oauth/token", &headers, form).await.json();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What both surfaces say to a call with `token`.
async fn called(door: &Serving, token: &str) -> (u16, u16) {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let (client, arguments) = (door.client(), json!({"id": 7}));
    let rest = client.send("GET", "/orders/orders/7", &headers, "").await;
    let tool = client.call_tool(token, "orders_get_order", &arguments).await;
    (rest.status.as_u16(), tool.status.as_u16())
}

fn secret(folder: &Path, profile: &str) -> String {
    let ran = onedoor(folder, &["credential", "new", profile, "--kind", "client_secret"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out.trim().to_owned()
}

/// The file of the one credential of `profile`.
fn credential(folder: &Path, profile: &str) -> (String, String) {
    let files = std::fs::read_dir(folder.join("state/credentials")).unwrap();
    let texts = files.map(|it| {
        let path = it.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (format!("state/credentials/{name}"), std::fs::read_to_string(path).unwrap())
    });
    texts.into_iter().find(|(_, text)| text.contains(profile)).unwrap()
}

#[tokio::test]
async fn a_client_calls_for_another_one_until_what_that_one_showed_is_revoked() {
    let (upstream, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    let folder = folder.path();
    write(folder, STATE);
    let collection = format!(
        "owner: team\nupstream: {{url: '{}'}}\ndocument: documents/orders.yaml\n",
        upstream.url()
    );
    write(folder, &CLIENTS);
    write(
        folder,
        &[("state/collections/orders.yaml", &collection), ("state/roles/sweeper.yaml", SWEEPER)],
    );
    let (batch, relay) = (secret(folder, "batch/main"), secret(folder, "relay/main"));
    let mut door = Serving::start(folder);
    let form =
        format!("grant_type=client_credentials&client_id=batch%2Fmain&client_secret={batch}");
    let first = token(&door, form).await;
    let form = format!(
        "grant_type={GRANT}&client_id=relay%2Fmain&client_secret={relay}\
         &subject_token={first}&subject_token_type={ACCESS_TOKEN}"
    );
    let second = token(&door, form).await;
    assert_eq!(called(&door, &second).await, (200, 200));
    // No more than the relay may: the first one could delete.
    for (token, want) in [(&first, 200), (&second, 403)] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer)];
        let answer = door.client().send("DELETE", "/orders/orders/7", &headers, "").await;
        assert_eq!(answer.status, want, "{}", answer.text());
    }
    let (path, text) = credential(folder, "batch/main");
    write(folder, &[(&path, &format!("{text}state: revoked\n"))]);
    door.wait_for("in force");
    assert_eq!(called(&door, &second).await, (401, 401));
    assert_eq!(called(&door, &first).await, (401, 401));
}
