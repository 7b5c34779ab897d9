//! The audit log in the hands of operators: another key signs it, and single records are proven.

use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, EDITOR, House, caller};

#[tokio::test]
async fn another_key_signs_the_log_where_an_operator_says_why() {
    let house = House::new().await;
    let wish = json!({"reason": "once a year, says ann@example.com"});
    let changed = house.done(ADMIN, "rotate_audit_key", json!({}), wish).await.body;
    assert_eq!(changed, json!({"key": "new", "replaced": "old", "records": 300}));
    assert_eq!(
        house.plane.purges(),
        [format!("asked for by {ADMIN}: once a year, says [redacted]")]
    );
    let unsaid = house.ask(ADMIN, "rotate_audit_key", json!({}), json!({})).await;
    assert_eq!(unsaid.status, 422, "{}", unsaid.text);
}

#[tokio::test]
async fn records_are_proven_and_those_that_cannot_be_are_named() {
    let house = House::new().await;
    let which = json!({"records": "301, 7,7"});
    let proven = house.done(AUDITOR, "list_audit_proofs", which, Value::Null).await.body;
    let items = json!([{"record": 7, "proof": "proof of 7"}]);
    assert_eq!(proven, json!({"items": items, "missing": [301]}));
    let many: Vec<_> = (0..501).map(|it| it.to_string()).collect();
    for bad in ["", "x", "1,,2", "-1", &many.join(",")] {
        let which = json!({"records": bad});
        let refused = house.ask(AUDITOR, "list_audit_proofs", which, Value::Null).await;
        assert_eq!(refused.status, 422, "{bad}: {}", refused.text);
    }
    assert!(house.plane.reach(&caller(EDITOR), "list_audit_proofs").is_none());
}
