//! `onedoor login`: a person signs in by a browser at a running door, and manages it without a key.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::signed_in::{Door, age, ran, said};

#[tokio::test]
async fn a_person_signs_in_by_a_browser_and_manages_the_door_without_a_key() {
    let door = Door::start();
    let refused = door.run(&["login"]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains("registrations: [command_line]"), "{}", refused.err);
    door.declare();
    let nobody = door.run(&["whoami"]);
    assert!(nobody.code == 4 && nobody.err.contains("`onedoor login"), "{}", nobody.err);

    let signed_in = door.sign_in().await;
    assert!(signed_in.code == 0 && signed_in.out.contains("signed in at"), "{}", signed_in.err);
    let whoami = door.run(&["whoami"]);
    assert!(whoami.code == 0 && whoami.out.contains("operators/admin"), "{}", whoami.err);
    assert!(whoami.out.contains("local:ann"), "{}", whoami.out);
    let kept = door.kept().unwrap();
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    // Many commands at once renew it once: a refresh token that comes twice would end all of it.
    let (first, refresh) = (said(&kept, "access_token"), said(&kept, "refresh_token"));
    age(&kept);
    let many: Vec<_> = (0..6).map(|_| door.command(&["whoami"]).spawn().unwrap()).collect();
    for child in many {
        let ran = ran(child);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let second = said(&kept, "refresh_token");
    assert!(second != refresh && said(&kept, "access_token") != first);
    age(&kept);
    let renewed = door.run(&["client", "list"]);
    assert_eq!(renewed.code, 0, "{}", renewed.err);

    let token = said(&kept, "access_token");
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 200);
    let signed_out = door.run(&["logout"]);
    assert_eq!((signed_out.code, door.kept()), (0, None), "{}", signed_out.err);
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 401);
    assert_eq!(door.run(&["whoami"]).code, 4);
    let again = door.run(&["logout"]);
    assert!(again.code == 0 && again.err.contains("nobody is signed in"), "{}", again.err);
}

#[tokio::test]
async fn a_sign_in_that_the_door_ended_says_so_and_is_replaced_by_a_new_one() {
    let door = Door::start();
    door.declare();
    let signed_in = door.sign_in().await;
    assert_eq!(signed_in.code, 0, "{}", signed_in.err);
    let kept = door.kept().unwrap();
    let first = said(&kept, "access_token");
    assert_eq!(door.sign_in().await.code, 0);
    // The earlier one ends with that: nobody could take it back any more.
    assert_eq!(door.manage("/onedoor/v1/whoami", &first).await.status, 401);
    fs::remove_file(door.folder.path().join("state/admissions/operators.yaml")).unwrap();
    let mut delete = door.command(&["admission", "delete", "operators"]);
    assert_eq!(ran(delete.env("ONEDOOR_TOKEN", &door.key).spawn().unwrap()).code, 0);
    let refused = door.run(&["whoami"]);
    assert!(refused.code == 4 && refused.err.contains("`onedoor login`"), "{}", refused.err);
    age(&kept);
    let over = door.run(&["whoami"]);
    assert!(over.code == 4 && over.err.contains("your sign-in is over"), "{}", over.err);
    for text in [&refused.err, &over.err] {
        assert!(!text.contains(&said(&kept, "refresh_token")), "{text}");
    }
}

#[tokio::test]
async fn operators_see_what_a_person_gave_and_end_it_and_an_account_ends_it_for_good() {
    let door = Door::start();
    door.declare();
    assert_eq!(door.sign_in().await.code, 0);
    let token = said(&door.kept().unwrap(), "access_token");
    let grants = door.listed("grant");
    assert_eq!(grants.len(), 1, "{grants:?}");
    assert_eq!(
        (&grants[0]["client"], &grants[0]["state"]),
        (&"onedoor-cli".into(), &"good".into())
    );
    assert_eq!(door.listed("consent")[0]["person"], "local:ann");
    assert_eq!(door.listed("sign_in")[0]["person"], "local:ann");
    assert!(door.listed("registration").is_empty());
    assert!(door.operate(&["grant", "revoke", "--person", "local:ann"]).contains("revoked: 1"));
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 401);
    // By the consent that all of it came of.
    assert_eq!(door.sign_in().await.code, 0);
    let token = said(&door.kept().unwrap(), "access_token");
    let consent = ["consent", "revoke", "--person", "local:ann", "--client", "onedoor-cli"];
    let told = door.operate(&consent);
    assert!(told.contains("grants: 1"), "{told}");
    assert_eq!(door.manage("/onedoor/v1/whoami", &token).await.status, 401);
    assert!(door.listed("consent").is_empty());
    assert!(door.operate(&["sign_in", "end", "--person", "local:ann"]).contains("ended: 2"));

    // By a stop, which is lifted again; and by the account, which gives nothing back.
    assert_eq!(door.sign_in().await.code, 0);
    let token = said(&door.kept().unwrap(), "access_token");
    let whoami = async || door.manage("/onedoor/v1/whoami", &token).await.status.as_u16();
    door.operate(&["stop", "put", "lost", "--person", "local:ann", "--because", "a test"]);
    assert_eq!(whoami().await, 403);
    door.operate(&["stop", "delete", "lost"]);
    assert_eq!(whoami().await, 200);
    let account = door.folder.path().join("state/users/ann.yaml");
    let enabled = fs::read_to_string(&account).unwrap();
    let put = ["user", "put", "ann", "-f", "state/users/ann.yaml"];
    fs::write(&account, format!("{enabled}enabled: false\n")).unwrap();
    let told = door.operate(&put);
    assert!(told.contains("ended for good: grants 1, sign-ins 1"), "{told}");
    assert_eq!(whoami().await, 401);
    fs::write(&account, enabled).unwrap();
    assert!(!door.operate(&put).contains("ended"));
    assert_eq!(whoami().await, 401);
    let over = door.run(&["whoami"]);
    assert_eq!(over.code, 4, "{}", over.err);
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_kept_is_taken_back() {
    let door = Door::start();
    door.declare();
    // No folder can be made where a file is.
    fs::write(door.folder.path().join("local"), "").unwrap();
    let failed = door.sign_in().await;
    assert!(failed.code == 1 && failed.err.contains("cannot lock"), "{}", failed.err);
    let records = audit::records(&door.folder.path().join(".onedoor/audit")).unwrap();
    let at = |path: &str| records.iter().rfind(|it| it["path"] == path);
    assert_eq!(at("/oauth/token").unwrap()["status"], 200, "{records:?}");
    assert_eq!(at("/oauth/revoke").unwrap()["status"], 200, "{records:?}");
}

#[tokio::test]
async fn management_says_by_its_own_address_who_gives_tokens_for_it() {
    let door = Door::start();
    for resource in ["", "/mcp", "/mcp/onedoor"] {
        let path = format!("/.well-known/oauth-protected-resource{resource}");
        let document = door.manage(&path, "none").await.json();
        assert_eq!(document["resource"], format!("{}{resource}", door.url()), "{document}");
        let servers = &document["authorization_servers"];
        assert_eq!(servers[0], format!("https://{}", door.serving.address()));
        assert_eq!(document["scopes_supported"][0], "collection:onedoor");
    }
    let answer = door.manage("/onedoor/v1/whoami", "none").await;
    let want = format!(
        "resource_metadata=\"{}/.well-known/oauth-protected-resource\", scope=\"collection:onedoor\"",
        door.url()
    );
    assert!(answer.header("www-authenticate").contains(&want), "{answer:?}");
    // There is nothing else of that kind, and no page where people sign in.
    for path in ["/.well-known/oauth-protected-resource/mcp/orders", "/oauth/device"] {
        let answer = door.manage(path, "none").await;
        assert_ne!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["resource"], Value::Null);
    }
}
