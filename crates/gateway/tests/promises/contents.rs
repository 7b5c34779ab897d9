//! A record tells what the body of a call said, on both surfaces alike, and the upstream gets the
//! same bytes whether it was looked at or not.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::House;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::shop;

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn post(house: &House, headers: Headers<'_>, body: &str) -> u16 {
    let key = [("x-api-key", house.key("app/full"))];
    let headers = [&key, headers].concat();
    let answer = house.client.send("POST", "/shop/items?note=n", &headers, body.to_owned()).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn a_tool_and_a_request_that_say_the_same_are_told_the_same() {
    let shop = shop::builder().file(
        "collections/shop.yaml",
        "owner: shop team\nbase: /shop\nupstream: {url: UPSTREAM}\n\
         document: documents/shop.yaml\naudit: {redact: {/name: mask}}\n",
    );
    let house = shop.open().await.expect("it has no faults");
    let headers = [("content-type", "application/json"), ("x-trace", "t1")];
    post(&house, &headers, r#"{"count": 7, "name": "a long name of ann@example.com"}"#).await;
    let arguments = json!({
        "X-Trace": "t1", "note": "n", "name": "a long name of ann@example.com", "count": 7,
    });
    house.client.call_tool(house.key("app/full"), "shop_create_item", &arguments).await;
    let told = json!({"X-Trace": "t1", "note": "n", "name": "***.com", "count": 7});
    let records = [house.records(), house.log.intents()].concat();
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!(record["arguments"], told, "{record}");
        assert_eq!(record["arguments_digest"], records[0]["arguments_digest"]);
    }
}

#[tokio::test]
async fn what_a_body_says_is_told_and_sent_as_it_came() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let json_type = [("content-type", "application/json; charset=utf-8")];
    let problem = [("content-type", "application/merge-patch+json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let zipped = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let parts = [("content-type", "multipart/form-data; boundary=x")];
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(64 * 1024));
    let cases: [(Headers<'_>, &str, Value); 12] = [
        (
            &json_type,
            r#" {"name":"a","more":[1,{"b":null}]} "#,
            json!({"name": "a", "more": [1, {"b": null}]}),
        ),
        (&problem, r#"{"name":"a"}"#, json!({"name": "a"})),
        (&json_type, "[1,2]", json!({"body": [1, 2]})),
        // Its name is a parameter's as well: a list of both.
        (&json_type, r#"{"note":"m"}"#, json!({"note": ["n", "m"]})),
        (
            &json_type,
            r#"{"password":"hunter2","name":"ghp_0123456789abcdefghij"}"#,
            json!({"password": "[redacted]", "name": "[redacted]"}),
        ),
        (
            &form,
            "name=a+b&count=1&count=2&x",
            json!({"name": "a b", "count": ["1", "2"], "x": null}),
        ),
        (&form, "name=%ff", json!({"body": "[not read: no form with one reading]"})),
        (&zipped, r#"{"name":"a"}"#, json!({"body": "[not read: neither JSON nor a form]"})),
        (&parts, "--x--", json!({"body": "[not read: neither JSON nor a form]"})),
        (&json_type, "{name", json!({"body": "[not read: no JSON]"})),
        (
            &json_type,
            r#"{"name":"a","name":"b"}"#,
            json!({"body": "[not read: JSON with more than one reading]"}),
        ),
        (&json_type, &long, json!({"body": "[not read: more than 65536 bytes]"})),
    ];
    for (number, (headers, body, want)) in cases.iter().enumerate() {
        // Past the limits of the shop.
        house.clock.advance(Duration::from_secs(86_400));
        assert_eq!(post(&house, headers, body).await, 200, "{body}");
        let mut want = want.clone();
        want.as_object_mut().unwrap().entry("note").or_insert_with(|| "n".into());
        assert_eq!(house.records()[number]["arguments"], want, "{body}");
        let seen = house.recorder.take();
        assert_eq!((seen.len(), &*seen[0].body), (1, body.as_bytes()));
    }
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_told_as_well() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "POST /shop/items HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nconnection: close\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{{\"name\":\r\n",
        house.key("app/full")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"6\r\n\"b c\"}\r\n0\r\n\r\n").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(house.records()[0]["arguments"], json!({"name": "b c"}));
    assert_eq!(&*house.recorder.take()[0].body, br#"{"name":"b c"}"#);
}

#[tokio::test]
async fn no_member_hides_another_and_many_pieces_are_one_body() {
    let document = "openapi: 3.1.0\ninfo: {title: Twice, version: '1'}\npaths:\n  /things/{id}:\n    put:\n      \
        operationId: put_thing\n      \
        parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n      \
        requestBody: {content: {application/json: {schema: {type: object, properties: {id: {type: integer}}}}}}\n      \
        responses: {'200': {description: ok}}\n";
    let house = shop::builder()
        .file("documents/shop.yaml", document)
        .file(
            "collections/shop.yaml",
            "owner: t\nbase: /shop\nupstream: {url: UPSTREAM}\ndocument: documents/shop.yaml\n",
        )
        .file("roles/one.yaml", "allow:\n  - operations: ['shop:*']\n");
    let house = house.open().await.expect("it has no faults");
    let body = r#"{"id":1,"id_body":2}"#;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "PUT /shop/things/p HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nconnection: close\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        house.key("app/full")
    );
    // As many pieces as bytes, and blanks behind it.
    let text = format!("{body}{}", " ".repeat(20_000));
    let pieces: String = text.chars().map(|it| format!("1\r\n{it}\r\n")).collect();
    stream.write_all(format!("{head}{pieces}0\r\n\r\n").as_bytes()).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(house.records()[0]["arguments"], json!({"id": "p", "id_body": [1, 2]}));
    assert_eq!(&*house.recorder.take()[0].body, text.as_bytes());
}

#[tokio::test]
async fn a_call_that_a_guard_refuses_for_its_body_tells_the_body() {
    let guard = "policy: |\n  forbid(principal, action == Action::\"shop.create_item\", resource)\n  \
                 when { context.arguments has count && context.arguments.count > 100 };\n";
    let house = shop::builder().file("guards/few.yaml", guard).open().await;
    let house = house.expect("the shop has no faults");
    let json_type = [("content-type", "application/json")];
    assert_eq!(post(&house, &json_type, r#"{"name":"a","count":101}"#).await, 403);
    let told = json!({"note": "n", "name": "a", "count": 101});
    assert_eq!(house.records()[0]["arguments"], told);
    assert_eq!(house.recorder.take(), vec![]);
}
