//! Bodies are kept where that is declared, alike on both surfaces, beside the stream and never in its way.

use audit::bodies::{BodyError, Direction, Subject, reference};
use model::RequestId;
use serde_json::{Value, json};
use testkit::{Answer, House, HouseBuilder};

use crate::shop;

/// The shop, with this said of its bodies: of all its operations, and of some.
fn keeping(collection: &str, operations: &str) -> HouseBuilder {
    let text = format!(
        "owner: shop team\nbase: /shop\nupstream: {{url: UPSTREAM}}\n\
         document: documents/shop.yaml\n\
         audit: {{bodies: {{{collection}}}}}\n\
         operations: {{{operations}}}\n"
    );
    shop::builder().file("collections/shop.yaml", &text).keeping_bodies()
}

async fn open(builder: HouseBuilder) -> House {
    builder.open().await.expect("it has no faults")
}

async fn by_rest(house: &House, method: &str, target: &str, body: &str) -> Answer {
    by_rest_as("app/full", house, (method, target), body).await
}

async fn by_rest_as(
    who: &str,
    house: &House,
    (method, target): (&str, &str),
    body: &str,
) -> Answer {
    let headers = [("x-api-key", house.key(who)), ("content-type", "application/json")];
    house.client.send(method, target, &headers, body.to_owned()).await
}

async fn by_mcp(house: &House, tool: &str, arguments: &Value) -> Answer {
    house.client.call_tool(house.key("app/full"), tool, arguments).await
}

/// The record of the last call that was answered.
fn last(house: &House) -> Value {
    let call = house.records().into_iter().rev().find(|it| it["kind"] == "call");
    call.expect("there is one")
}

/// What is said of the bodies of the last call.
async fn kept(house: &House) -> Value {
    house.bodies_record(last(house)["id"].as_str().unwrap()).await
}

fn read(house: &House, record: &Value, direction: Direction) -> Result<String, BodyError> {
    let bodies = house.gateway.live().bodies.as_ref().unwrap();
    let id = RequestId::parse(record["id"].as_str().unwrap()).unwrap();
    let opened = bodies.read(id, &reference(&record["bodies"], direction)?)?;
    Ok(String::from_utf8(opened.bytes).unwrap())
}

#[tokio::test]
async fn what_came_and_what_was_answered_is_kept_alike_on_both_surfaces() {
    let house = open(keeping("keep: both", "")).await;
    let arguments = json!({"name": "lamp-7731", "count": 2});
    let (mut records, mut bodies) = (Vec::new(), Vec::new());
    for is_mcp in [false, true] {
        let answer = if is_mcp {
            by_mcp(&house, "shop_create_item", &arguments).await
        } else {
            by_rest(&house, "POST", "/shop/items", &arguments.to_string()).await
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let call = last(&house);
        assert_eq!(call["bodies"], json!({"due": ["request", "response"]}));
        let record = kept(&house).await;
        assert_eq!((&record["event"], &record["client"]), (&json!("bodies.kept"), &json!("app")));
        let seen = house.recorder.take().remove(0).body;
        let request = read(&house, &record, Direction::Request).unwrap();
        assert_eq!(request.as_bytes(), &seen[..]);
        assert_eq!(read(&house, &record, Direction::Response).unwrap(), r#"{"ok":true}"#);
        bodies.push(request);
        records.push(record);
    }
    assert!(house.log.intents().iter().all(|it| it["bodies"] == last(&house)["bodies"]));
    let [rest, mcp] = &records[..] else { panic!("two calls") };
    let said = |it: &Value| {
        let of = |direction: &str| {
            let body = &it["bodies"][direction];
            (body["bytes"].clone(), body["passed"].clone(), body["ended"].clone())
        };
        (it["bodies"]["subject"].clone(), of("request"), of("response"))
    };
    assert_eq!((said(rest), &bodies[0]), (said(mcp), &bodies[1]));
    let text = house.log.text();
    assert!(!text.contains("lamp-7731") && !text.contains(r#"{"ok":true}"#), "{text}");
}

#[tokio::test]
async fn nothing_is_kept_where_nobody_says_so_or_an_operation_says_not() {
    for house in [
        open(shop::builder().keeping_bodies()).await,
        open(keeping("keep: none", "")).await,
        open(keeping("keep: both", "create_item: {audit: {bodies: {keep: none}}}")).await,
    ] {
        by_rest(&house, "POST", "/shop/items", r#"{"name":"x"}"#).await;
        by_mcp(&house, "shop_create_item", &json!({"name": "x"})).await;
        assert!(last(&house)["bodies"].is_null());
        house.gateway.live().bodies.as_ref().unwrap().rewrap().unwrap();
        assert!(house.records().iter().all(|it| it["kind"] == "call"), "{:?}", house.records());
        assert!(!house.folder.path().join("audit").exists());
    }
}

#[tokio::test]
async fn a_stream_is_not_held_up_and_says_how_far_it_came() {
    let house = open(keeping("keep: response", "")).await;
    let headers = [("x-api-key", house.key("app/full"))];
    for is_read in [false, true] {
        let mut stream = house.client.open("GET", "/shop/items/drip", &headers, "").await;
        // The upstream has not ended, and what it said is here.
        let first = stream.piece().await.unwrap().unwrap();
        assert_eq!(&first[..], br#"{"ok":"#);
        assert!(
            house.records().iter().all(|it| it["id"] != last(&house)["id"] || it["kind"] == "call")
        );
        if is_read {
            house.recorder.release();
            while stream.piece().await.unwrap().is_some() {}
        }
        drop(stream);
        let record = kept(&house).await;
        let text = read(&house, &record, Direction::Response).unwrap();
        assert_eq!(text, if is_read { r#"{"ok":true}"# } else { r#"{"ok":"# });
        assert_eq!(record["bodies"]["response"]["ended"].is_null(), is_read, "{record}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_cut_off_and_says_so() {
    let house = open(keeping("keep: both, size_max: 1KiB", "")).await;
    let answer = by_rest(&house, "GET", "/shop/items/big", "").await;
    assert_eq!(answer.body.len(), 100_011);
    let record = kept(&house).await;
    let said = &record["bodies"]["response"];
    assert_eq!((&said["bytes"], &said["passed"]), (&json!(1024), &json!(100_011)));
    let beginning = read(&house, &record, Direction::Response).unwrap();
    assert_eq!(beginning.as_bytes(), &answer.body[..1024]);
    // A tool's caller is shown less than all, and no more is waited for.
    by_mcp(&house, "shop_get_item", &json!({"id": "big"})).await;
    let record = kept(&house).await;
    let said = &record["bodies"]["response"];
    assert_eq!((&said["bytes"], &said["ended"]), (&json!(1024), &json!(false)), "{record}");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_where_its_record_must_be_safe_and_told_where_not() {
    let house = open(keeping("keep: both", "")).await;
    // A file is in the way of the folder.
    let folder = house.folder.path().join("audit");
    std::fs::write(&folder, "").unwrap();
    let first = by_rest(&house, "POST", "/shop/items", r#"{"name":"x"}"#).await;
    assert_eq!(first.status, 200, "nobody knew: {}", first.text());
    assert_eq!(kept(&house).await["event"], "bodies.lost");
    drop(house.recorder.take());

    let write = by_rest(&house, "POST", "/shop/items", r#"{"name":"x"}"#).await;
    assert_eq!(write.status, 503, "{}", write.text());
    assert_eq!(write.json()["type"], "urn:onedoor:refusal:unrecorded");
    let tool = by_mcp(&house, "shop_create_item", &json!({"name": "x"})).await;
    assert_eq!(tool.json()["error"]["code"], 503, "{}", tool.text());
    assert_eq!(house.recorder.take(), vec![]);
    assert!(last(&house)["bodies"]["lost"].as_str().unwrap().contains("cannot be kept"));
    let read = by_rest(&house, "GET", "/shop/items/1", "").await;
    assert_eq!(read.status, 200, "{}", read.text());
    assert!(last(&house)["bodies"]["lost"].as_str().unwrap().contains("cannot be kept"));

    std::fs::remove_file(&folder).unwrap();
    let bodies = house.gateway.live().bodies.as_ref().unwrap();
    // Whoever asks has it tried, and the next one finds how that went.
    bodies.rewrap().unwrap();
    bodies.admit().ok();
    bodies.rewrap().unwrap();
    let write = by_rest_as("agent/one", &house, ("POST", "/shop/items"), r#"{"name":"x"}"#).await;
    assert_eq!(write.status, 200, "{}", write.text());
    assert_eq!(kept(&house).await["event"], "bodies.kept");
}

#[tokio::test]
async fn who_is_forgotten_is_named_by_an_argument_wherever_that_is_sent() {
    let of_item =
        "get_item: {audit: {bodies: {keep: response, subject: {kind: item, argument: id}}}}";
    let house = open(keeping("keep: both, subject: {kind: item, argument: name}", of_item)).await;
    let bodies = house.gateway.live().bodies.clone().unwrap();
    let mut records = Vec::new();
    by_rest(&house, "GET", "/shop/items/lamp", "").await;
    records.push(kept(&house).await);
    by_mcp(&house, "shop_get_item", &json!({"id": "lamp"})).await;
    records.push(kept(&house).await);
    by_rest(&house, "POST", "/shop/items", r#"{"name":"lamp"}"#).await;
    records.push(kept(&house).await);
    by_mcp(&house, "shop_create_item", &json!({"name": "lamp"})).await;
    records.push(kept(&house).await);
    by_rest(&house, "GET", "/shop/items/chair", "").await;
    let other = kept(&house).await;
    for record in records.iter().chain([&other]) {
        let subject = record["bodies"]["subject"].as_str().unwrap();
        assert!(subject.starts_with("item hmac:"), "{record}");
        assert_eq!(read(&house, record, Direction::Response).unwrap(), r#"{"ok":true}"#);
    }
    assert!(records.iter().all(|it| it["bodies"]["subject"] == records[0]["bodies"]["subject"]));
    assert!(bodies.forget(Subject::new("item", "lamp")).unwrap());
    for record in &records {
        let gone = read(&house, record, Direction::Response);
        assert!(matches!(gone, Err(BodyError::Destroyed)), "{gone:?}");
    }
    read(&house, &other, Direction::Response).unwrap();

    // What has two readings is kept as nobody's.
    house.clock.advance(std::time::Duration::from_secs(1));
    by_rest(&house, "POST", "/shop/items", r#"{"name":"lamp","name":"chair"}"#).await;
    let record = kept(&house).await;
    let why = record["bodies"]["response"]["lost"].as_str().unwrap();
    assert!(why.contains("whose they are") && !why.contains("chair"), "{why}");
}

#[tokio::test]
async fn what_a_body_was_looked_at_for_is_not_lost_to_who_keeps_it() {
    // Its record tells what it says, so it is read before it goes on, and it says whose the answer is.
    let subject = "subject: {kind: item, argument: name}";
    let house = open(keeping(&format!("keep: response, {subject}"), "")).await;
    by_rest(&house, "POST", "/shop/items", r#"{"name":"lamp"}"#).await;
    assert_eq!(last(&house)["arguments"]["name"], "lamp");
    let record = kept(&house).await;
    assert!(record["bodies"]["subject"].as_str().unwrap().starts_with("item hmac:"), "{record}");
    assert_eq!(read(&house, &record, Direction::Response).unwrap(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn without_an_argument_they_are_of_who_calls() {
    let house = open(keeping("keep: response", "")).await;
    by_rest(&house, "GET", "/shop/items/1", "").await;
    let record = kept(&house).await;
    let bodies = house.gateway.live().bodies.as_ref().unwrap();
    assert!(!bodies.forget(Subject::new(Subject::PROFILE, "app/reader")).unwrap());
    read(&house, &record, Direction::Response).unwrap();
    assert!(bodies.forget(Subject::new(Subject::PROFILE, "app/full")).unwrap());
    read(&house, &record, Direction::Response).unwrap_err();
}

#[tokio::test]
async fn a_subject_that_no_argument_names_is_a_fault() {
    let faults = |collection: &'static str, operations: &'static str| async move {
        let faults = keeping(collection, operations).open().await.map(|_| ()).unwrap_err();
        faults.into_iter().map(|it| format!("{} | {}", it.message, it.help)).collect::<Vec<_>>()
    };
    let near = faults("keep: both, subject: {kind: item, argument: ids}", "").await;
    assert_eq!(
        near,
        [
            "audit.bodies.subject: no operation of the collection shop has the argument \"ids\" | did you mean id?"
        ]
    );
    let own = "get_item: {audit: {bodies: {keep: both, subject: {kind: item, argument: count}}}}";
    let own = faults("keep: none", own).await;
    assert!(own[0].contains("the operation \"get_item\" does not have"), "{own:?}");
    let list = faults("keep: both, subject: {kind: item, argument: tag}", "").await;
    assert!(list[0].contains("\"tag\" names nobody"), "{list:?}");
}

#[tokio::test]
async fn a_subject_in_a_form_cannot_be_read_and_is_a_fault_where_it_is_declared() {
    let document = "openapi: 3.1.0\ninfo: {title: Forms, version: '1'}\npaths:\n  /orders:\n    post:\n      \
        operationId: order\n      requestBody:\n        content:\n          \
        application/x-www-form-urlencoded:\n            schema: {type: object, properties: {customer: {type: string}}}\n      \
        responses: {'200': {description: ok}}\n";
    let audit = "{bodies: {keep: both, subject: {kind: customer, argument: customer}}}";
    let file = |text: String| {
        shop::builder()
            .file("documents/forms.yaml", document)
            .file("collections/forms.yaml", &text)
            .keeping_bodies()
    };
    let head =
        "owner: team\nbase: /forms\nupstream: {url: UPSTREAM}\ndocument: documents/forms.yaml\n";
    for text in [
        format!("{head}audit: {audit}\n"),
        format!("{head}operations: {{order: {{audit: {audit}}}}}\n"),
    ] {
        let faults = file(text).open().await.map(|_| ()).unwrap_err();
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert!(fault.to_string().starts_with("collections/forms.yaml:5:"), "{fault}");
        assert!(fault.message.contains("\"customer\" names nobody"), "{fault}");
        assert!(fault.help.contains("in no form"), "{fault}");
    }
}
