//! What an operation requires is asked for on both surfaces: what lacks it is refused alike by both,
//! debits nothing and reaches no upstream.

use proptest::{option::of, prelude::*};
use serde_json::{Map, Value, json};
use testkit::House;

use crate::one_decision::{Outcome, block_on, encode, outcome, shop_and, text};

/// The arguments of one call; what is none is left out.
#[derive(Debug, Clone)]
struct Given {
    word: Option<String>,
    tags: Vec<String>,
    deep: Option<String>,
    json: Option<i32>,
    trace: Option<String>,
    /// The body.
    names: Option<String>,
}

fn given() -> impl Strategy<Value = Given> {
    let trace = of("[a-z]{1,4}");
    // Mostly there, so that a call with all of them is not rare.
    let there = || prop_oneof![4 => text().prop_map(Some), 1 => Just(None)];
    let tags = prop_oneof![4 => prop::collection::vec(text(), 1..3), 1 => Just(Vec::new())];
    (
        there(),
        tags,
        there(),
        prop_oneof![4 => any::<i32>().prop_map(Some), 1 => Just(None)],
        trace,
        there(),
    )
        .prop_map(|(word, tags, deep, json, trace, names)| Given {
            word,
            tags,
            deep,
            json,
            trace,
            names,
        })
}

/// An operation that requires all of it, and one that requires nothing.
fn document() -> Value {
    let operation = |id: &str, required: bool| {
        let string = json!({"type": "string"});
        json!({
            "operationId": id,
            "parameters": [
                {"name": "word", "in": "query", "required": required, "schema": string},
                {"name": "tag", "in": "query", "required": required,
                 "schema": {"type": "array", "items": string}},
                {"name": "deep", "in": "query", "required": required, "style": "deepObject",
                 "explode": true, "schema": {"type": "object", "properties": {"a": string}}},
                {"name": "json", "in": "query", "required": required,
                 "content": {"application/json": {"schema": {"type": "integer"}}}},
                {"name": "X-Trace", "in": "header", "required": required, "schema": string},
            ],
            "requestBody": {"required": required, "content": {"application/json": {"schema":
                {"type": "array", "items": string}}}},
            "responses": {},
        })
    };
    json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
        "/all": {"post": operation("all", true)},
        "/none": {"post": operation("none", false)},
    }})
}

async fn open() -> House {
    shop_and(&document()).open().await.expect("no faults")
}

async fn by_rest(house: &House, operation: &str, given: &Given) {
    let mut pairs: Vec<_> = given.word.iter().map(|it| format!("word={}", encode(it))).collect();
    pairs.extend(given.tags.iter().map(|it| format!("tag={}", encode(it))));
    pairs.extend(given.deep.iter().map(|it| format!("deep%5Ba%5D={}", encode(it))));
    pairs.extend(given.json.iter().map(|it| format!("json={it}")));
    let mark = if pairs.is_empty() { "" } else { "?" };
    let target = format!("/t/{operation}{mark}{}", pairs.join("&"));
    let mut headers = vec![("x-api-key", house.key("app/full"))];
    headers.extend(given.trace.iter().map(|it| ("x-trace", it.as_str())));
    let body = given.names.as_ref().map(|it| json!([it]).to_string());
    headers.extend(body.iter().map(|_| ("content-type", "application/json")));
    house.client.send("POST", &target, &headers, body.unwrap_or_default()).await;
}

async fn by_mcp(house: &House, operation: &str, given: &Given) {
    let mut arguments = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        arguments.extend(value.map(|it| (name.to_owned(), it)));
    };
    add("word", given.word.clone().map(Value::from));
    add("tag", (!given.tags.is_empty()).then(|| json!(given.tags)));
    add("deep", given.deep.as_ref().map(|it| json!({"a": it})));
    add("json", given.json.map(Value::from));
    add("X-Trace", given.trace.clone().map(Value::from));
    add("body", given.names.as_ref().map(|it| json!([it])));
    let (key, tool) = (house.key("app/full"), format!("t_{operation}"));
    house.client.call_tool(key, &tool, &Value::Object(arguments)).await;
}

/// What comes of it by either surface.
async fn both(operation: &str, given: &Given) -> [Outcome; 2] {
    let (one, other) = (open().await, open().await);
    by_rest(&one, operation, given).await;
    by_mcp(&other, operation, given).await;
    [outcome(&one, 0), outcome(&other, 0)]
}

impl Given {
    fn is_whole(&self) -> bool {
        let Self { word, tags, deep, json, trace, names } = self;
        let texts = [word, deep, trace, names].iter().all(|it| it.is_some());
        texts && !tags.is_empty() && json.is_some()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_required_is_required_by_both_surfaces(given in given()) {
        block_on(async {
            for (operation, is_refused) in [("all", !given.is_whole()), ("none", false)] {
                let [rest, mcp] = both(operation, &given).await;
                prop_assert_eq!(&rest, &mcp, "{}", operation);
                let reason = rest.record["reason"].as_str();
                let wanted = is_refused.then_some("invalid_arguments");
                prop_assert_eq!((reason, rest.upstream.is_empty()), (wanted, is_refused));
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_list_with_nothing_in_it_is_not_sent() {
    block_on(async {
        let house = open().await;
        let arguments = json!({"word": "a", "tag": [], "deep": {"a": "b"}, "json": 1, "X-Trace": "t", "body": []});
        let answer =
            house.client.call_tool(house.key("app/full"), "t_all", &arguments).await.json();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(answer.to_string().contains("argument \\\"tag\\\" is missing"), "{answer}");
        assert_eq!(house.recorder.take(), vec![]);
    });
}

/// What no request tells: REST passes it on, and the upstream has the last word.
#[test]
fn what_stands_in_a_body_is_asked_for_of_tools_alone() {
    block_on(async {
        let document = json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
            "/x": {"post": {"operationId": "x", "responses": {}, "requestBody": {"required": true,
                "content": {"application/json": {"schema": {"type": "object", "required": ["name"],
                    "properties": {"name": {"type": "string"}}}}}}}},
        }});
        let house = shop_and(&document).open().await.expect("no faults");
        let key = house.key("app/full");
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let answer = house.client.send("POST", "/t/x", &headers, "{}").await;
        assert_eq!((answer.status.as_u16(), house.recorder.take().len()), (200, 1));
        let answer = house.client.call_tool(key, "t_x", &json!({})).await.json();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert_eq!(house.recorder.take(), vec![]);
    });
}
