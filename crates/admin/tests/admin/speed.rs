//! How long it takes with much in it. Run in release: it prints milliseconds.

use std::{fmt::Write as _, sync::Arc};

use admin::Admin;
use serde_json::{Value, json};
use store::{Location, Store};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    house::{ADMIN, House, commit},
    plane::TestPlane,
};

const CLIENTS: usize = 2_000;
const PROFILES: usize = 5;
const KEYS: usize = 10;

fn credential(client: usize, profile: usize, key: usize) -> (String, String) {
    let id = (client * PROFILES + profile) * KEYS + key;
    let profile = format!("profile: c{client}/p{profile}");
    let text = format!("{profile}\nkind: api_key\nexpires: 2028-01-01\nhmac: {id:064x}\n");
    (format!("credentials/k{id}.yaml"), text)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn ten_thousand_profiles_and_a_hundred_thousand_credentials() {
    let mut files = Vec::new();
    for client in 0..CLIENTS {
        let mut text = "kind: app\nowner: x\nprofiles:\n".to_owned();
        for profile in 0..PROFILES {
            writeln!(text, "  p{profile}: {{roles: [viewer]}}").unwrap();
            files.extend((0..KEYS).map(|key| credential(client, profile, key)));
        }
        files.push((format!("clients/c{client}.yaml"), text));
    }
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    House::at(&location, &[]).await.store.close().await;
    let store = Store::open(&location).await.unwrap();
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let begun = Instant::now();
    store.commit(&commit(&files)).await.unwrap();
    println!("commit of all: {} ms", begun.elapsed().as_millis());
    let begun = Instant::now();
    let admin =
        Admin::new(Some(store.clone()), TestPlane::new(), None, model::Clock::system()).unwrap();
    println!("new: {} ms", begun.elapsed().as_millis());
    let begun = Instant::now();
    admin.start().await.unwrap();
    println!("start: {} ms", begun.elapsed().as_millis());
    drop(admin);
    let house = House::at(&location, &[]).await;
    let admin = Arc::clone(&house.admin);
    for owner in ["a", "b", "c"] {
        let body = json!({"kind": "app", "owner": owner});
        let call = house.call(ADMIN, "put_client", &json!({"id": "one"}), &body);
        let begun = Instant::now();
        assert_eq!(admin.carry_out(&call).await.status(), 200);
        println!("put_client: {} ms", begun.elapsed().as_millis());
    }
    for (name, parameters) in [
        ("get_client", json!({"id": "one"})),
        ("list_limits", json!({})),
        ("list_credentials", json!({})),
        ("list_credentials", json!({"filter": "profile=c1/p1"})),
        ("list_credential_ages", json!({})),
        ("whoami", json!({})),
    ] {
        let call = house.call(ADMIN, name, &parameters, &Value::Null);
        let begun = Instant::now();
        assert_eq!(admin.carry_out(&call).await.status(), 200);
        println!("{name} {parameters}: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    }
}
