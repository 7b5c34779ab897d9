//! Bodies that were kept are shown to whoever may read the log, and forgotten by who may do everything.

use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, EDITOR, House, caller};

/// The call of which the plane of the tests has a body.
const KEPT: &str = "00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn a_body_is_shown_to_whoever_may_read_the_log_and_to_nobody_else() {
    let house = House::new().await;
    let which = json!({"request_id": KEPT, "direction": "response"});
    let shown = house.done(AUDITOR, "get_audit_body", which.clone(), Value::Null).await.body;
    assert_eq!((&shown["text"], &shown["direction"]), (&json!("{}"), &json!("response")));
    for (request_id, direction, status) in [
        ("00000000-0000-0000-0000-000000000001", "request", 404),
        ("00000000-0000-0000-0000-00000000000g", "request", 422),
        (KEPT, "both", 422),
    ] {
        let which = json!({"request_id": request_id, "direction": direction});
        let answer = house.ask(AUDITOR, "get_audit_body", which, Value::Null).await;
        assert_eq!(answer.status, status, "{request_id} {direction}: {}", answer.text);
    }
    assert!(house.plane.reach(&caller(EDITOR), "get_audit_body").is_none());
    let mut bounded = house.call(ADMIN, "get_audit_body", &which, &Value::Null);
    bounded.reach.owners = vec!["shop-team".to_owned()];
    let refused = house.send(&bounded).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

#[tokio::test]
async fn forgetting_can_be_done_again_and_says_who_wanted_it_and_why() {
    let house = House::new().await;
    let whom = json!({"kind": "customer", "id": "42", "reason": "request 17 of ann@example.com"});
    for had_key in [true, false] {
        let told = house.done(ADMIN, "forget_subject", json!({}), whom.clone()).await.body;
        assert_eq!(told, json!({"kind": "customer", "had_key": had_key}));
    }
    let [first, _] = &house.plane.forgotten()[..] else { panic!("twice") };
    assert_eq!(*first, format!("customer 42, asked for by {ADMIN}: request 17 of [redacted]"));
    for flawed in [
        json!({"kind": "customer", "id": "42"}),
        json!({"kind": "Customer", "id": "42", "reason": "r"}),
        json!({"kind": "customer", "id": "", "reason": "r"}),
    ] {
        let answer = house.ask(ADMIN, "forget_subject", json!({}), flawed.clone()).await;
        assert_eq!(answer.status, 422, "{flawed}: {}", answer.text);
    }
    for who in [AUDITOR, EDITOR] {
        assert!(house.plane.reach(&caller(who), "forget_subject").is_none(), "{who}");
    }
    assert_eq!(house.plane.forgotten().len(), 2);
}
