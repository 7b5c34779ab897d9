//! Desired state as a whole folder.

use serde_json::{Value, json};

use crate::house::{ADMIN, House, openapi};

const ODD: &str = "# a comment\nkind:   app # odd\n\nowner: \"x\"\n";

#[tokio::test]
async fn what_is_exported_and_applied_is_the_same_byte_for_byte() {
    let document = format!("{:#}", openapi());
    let house = House::with(&[
        ("clients/odd.yml", ODD),
        ("clients/json.json", "{\"kind\": \"app\",\n \"owner\": \"é\"}"),
        (
            "collections/shop.yaml",
            "owner: x\nupstream: {url: http://x}\ndocument: documents/v1/shop.json\n",
        ),
        ("documents/v1/shop.json", &document),
        ("README.md", "not read\n"),
        ("secrets/key.yaml", "owner: x\nsource: {env: KEY}\n"),
    ])
    .await;
    let key =
        house.done(ADMIN, "issue_credential", json!({}), json!({"profile": "boss/viewer"})).await;
    let exported = house.done(ADMIN, "export_state", json!({}), Value::Null).await;
    assert_eq!(exported.revision(), 2);
    assert!(!exported.text.contains(key.body["key"].as_str().unwrap()));
    let files = &exported.body["files"];
    assert_eq!(files["clients/odd.yml"], ODD);
    let body = json!({"files": files, "prune": true});
    let same = house.done(ADMIN, "apply_state", json!({}), body.clone()).await;
    assert_eq!((same.revision(), &same.body["applied"]), (2, &json!(false)));
    let drift = house.done(ADMIN, "diff_state", json!({}), json!({"files": files})).await;
    assert_eq!(drift.body["changes"], json!([]));

    let fresh = House::new().await;
    fresh.done(ADMIN, "apply_state", json!({}), body).await;
    let again = fresh.done(ADMIN, "export_state", json!({}), Value::Null).await;
    assert_eq!(again.body["files"], *files);
    assert_eq!(fresh.store.read().await.unwrap().files, house.store.read().await.unwrap().files);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let house = House::new().await;
    let files = json!({"clients/new.yaml": "kind: app\nowner: x\n", "clients/boss.yaml": ""});
    let mut wanted =
        json!({"files": {"clients/new.yaml": files["clients/new.yaml"]}, "dry_run": true});
    let answer = house.done(ADMIN, "apply_state", json!({}), wanted.clone()).await;
    assert_eq!((answer.revision(), &answer.body["applied"]), (1, &json!(false)));
    let paths = |of: &Value| {
        let changes = of["changes"].as_array().unwrap().iter();
        let said = changes.map(|it| {
            format!("{} {}", it["action"].as_str().unwrap(), it["path"].as_str().unwrap())
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(paths(&answer.body), ["added clients/new.yaml"]);
    wanted["prune"] = json!(true);
    let answer = house.done(ADMIN, "apply_state", json!({}), wanted.clone()).await;
    let all = ["removed clients/boss.yaml", "added clients/new.yaml", "removed clients/team.yaml"];
    assert_eq!(paths(&answer.body), all);
    assert_eq!((house.store.head().await.unwrap(), house.admin.revision()), (1, 1));
    assert_eq!(house.plane.revisions(), [1]);
    // The same, done.
    wanted["dry_run"] = json!(false);
    let answer = house.done(ADMIN, "apply_state", json!({}), wanted).await;
    assert_eq!((answer.revision(), paths(&answer.body)), (2, all.map(str::to_owned).to_vec()));
    assert_eq!(house.store.read().await.unwrap().files.len(), 1);
}

#[tokio::test]
async fn one_bad_file_and_nothing_is_done() {
    let house = House::new().await;
    let good = "kind: app\nowner: x\n";
    for (path, bad) in [
        ("clients/bad.yaml", "kind: robot\n"),
        ("clients/bad.yaml", "kind: [\n"),
        ("clients/Bad.yaml", good),
        ("clinets/bad.yaml", good),
        ("../clients/bad.yaml", good),
        ("/etc/passwd", good),
        ("clients/a\u{0}b.yaml", good),
        ("README.md", "\u{0}"),
        (
            "collections/bad.yaml",
            "owner: x\nupstream: {url: http://x}\ndocument: documents/none.json\n",
        ),
        ("clients/boss.json", "{}"),
    ] {
        for dry_run in [true, false] {
            let files =
                json!({"files": {"clients/good.yaml": good, path: bad}, "dry_run": dry_run});
            let answer = house.ask(ADMIN, "apply_state", json!({}), files).await;
            // What no database takes is only found when it is stored.
            let is_late = dry_run && bad == "\u{0}";
            let want = [422, 200][usize::from(is_late)];
            assert_eq!(answer.status, want, "{path}: {}", answer.text);
        }
    }
    assert_eq!((house.store.head().await.unwrap(), house.plane.revisions()), (1, vec![1]));
}

#[tokio::test]
async fn a_change_made_elsewhere_shows_as_drift() {
    let house = House::new().await;
    let exported = house.done(ADMIN, "export_state", json!({}), Value::Null).await;
    house.done(ADMIN, "put_client", json!({"id": "a"}), json!({"kind": "app", "owner": "x"})).await;
    let body = json!({"files": exported.body["files"]});
    let drift = house.done(ADMIN, "diff_state", json!({}), body.clone()).await;
    let change = &drift.body["changes"][0];
    assert_eq!((&change["action"], &change["path"]), (&json!("removed"), &json!("clients/a.yaml")));
    let applied = house.done(ADMIN, "apply_state", json!({}), body).await;
    assert_eq!((applied.revision(), &applied.body["changes"]), (2, &json!([])));
}
