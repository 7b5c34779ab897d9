//! Arguments are read back from requests exactly, or the request is refused.

use contract::{ArgumentFault, Operation, Reader};
use http::{HeaderMap, HeaderValue, Method};
use model::{ArgumentType, ArgumentValue as V, Decimal, Path, Query, RequestHead};
use proptest::{collection::vec, option::of, prelude::*};
use serde_json::{Map, Value, json};

use crate::{operation, read};

/// An operation with an argument of every sort that can be seen.
fn order() -> Operation {
    let integers = json!({"type": "array", "items": {"type": "integer"}});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let note = json!({"type": "object", "required": ["text"], "properties": {
        "text": {"type": "string"}, "level": {"type": ["integer", "null"]}, "any": {},
    }});
    let document = json!({"openapi": "3.1.0", "paths": {"/orders/{id}": {"post": {
        "operationId": "call",
        "parameters": [
            {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer"}},
            {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
            {"name": "tag", "in": "query", "schema": texts},
            {"name": "line", "in": "query", "explode": false, "schema": integers},
            {"name": "where", "in": "query", "content": {"application/json": {"schema": note}}},
            {"name": "deep", "in": "query", "style": "deepObject", "schema": note},
            {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["amount"],
            "properties": {
                "amount": {"type": "integer"}, "price": {"type": "number"},
                "id": {"type": ["string", "null"]}, "note": note, "labels": texts,
                "either": {"type": ["string", "integer"]},
            },
        }}}},
    }}}});
    operation(&read(document), "call").clone()
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|it| (*it).into()).collect()
}

fn seen(operation: &Operation) -> Vec<Box<str>> {
    let arguments = operation.arguments().into_iter().filter(|it| it.kind.is_some());
    arguments.map(|it| it.name).collect()
}

struct Sent<'s> {
    target: &'s str,
    headers: &'s [(&'static str, &'s str)],
    body: &'s str,
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// A good request but for one part.
fn good() -> Sent<'static> {
    Sent { target: "/orders/7", headers: &[JSON], body: r#"{"amount": 1}"# }
}

fn whole(body: &[u8]) -> contract::Sent<'_> {
    if body.is_empty() { contract::Sent::Nothing } else { contract::Sent::Whole(body) }
}

fn read_back(wanted: &[&str], sent: &Sent<'_>) -> Result<Vec<(Box<str>, V)>, ArgumentFault> {
    let order = order();
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in sent.headers {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    let head = RequestHead {
        method: Method::POST,
        path: Path::parse(path).unwrap(),
        query: Query::parse(query).unwrap(),
        headers,
    };
    Reader::new(&order, &names(wanted)).read(&order, &head, whole(sent.body.as_bytes()))
}

/// The one value that is read back, or what is said instead.
fn one(wanted: &str, sent: &Sent<'_>) -> Result<Option<V>, String> {
    let mut values = read_back(&[wanted], sent).map_err(|it| it.to_string())?;
    assert!(values.len() <= 1);
    Ok(values.pop().map(|(_, value)| value))
}

#[test]
fn what_can_be_seen_is_told_from_the_document() {
    let order = order();
    let seen = seen(&order);
    for name in ["id", "limit", "tag", "line", "where", "X-Trace", "amount", "id_body", "note"] {
        assert!(seen.iter().any(|it| **it == *name), "{name}: {seen:?}");
    }
    for name in ["deep", "either"] {
        assert!(!seen.iter().any(|it| **it == *name), "{name}");
    }
    let arguments = order.arguments();
    let amount = arguments.iter().find(|it| &*it.name == "amount").unwrap();
    assert_eq!((amount.is_required, &amount.kind), (true, &Some(ArgumentType::Integer)));
    assert!(Reader::new(&order, &names(&["id", "amount"])).needs_body());
    assert!(!Reader::new(&order, &names(&["id", "X-Trace", "either"])).needs_body());
}

#[test]
fn a_body_has_one_reading_or_none() {
    let twice = |it: &str| Err(format!("argument \"{it}\" is given more than once"));
    let integer = || Err("argument \"amount\" must be an integer of 64 bits".to_owned());
    let unknown = |it: &str| {
        Err(format!(
            "unknown argument {it:?}: the operation takes id, limit, dry, tag, line, where, deep, X-Trace, \
             amount, price, id_body, note, labels, either"
        ))
    };
    for (wanted, body, want) in [
        ("amount", r#"{"amount": 1000}"#, Ok(Some(V::Integer(1000)))),
        ("amount", r#" {"amount":1e3} "#, Ok(Some(V::Integer(1000)))),
        ("amount", r#"{"amount": 1000.0}"#, Ok(Some(V::Integer(1000)))),
        ("amount", r#"{"\u0061mount": 7}"#, Ok(Some(V::Integer(7)))),
        ("amount", r#"{"amount": -9223372036854775808}"#, Ok(Some(V::Integer(i64::MIN)))),
        ("amount", r#"{"amount": 9223372036854775808}"#, integer()),
        ("amount", r#"{"amount": 1e400}"#, integer()),
        ("amount", r#"{"amount": 1000.00000000000000000001}"#, integer()),
        ("amount", r#"{"amount": "1000"}"#, integer()),
        ("amount", r#"{"amount": [1000]}"#, integer()),
        ("amount", r#"{"amount": true}"#, integer()),
        ("amount", r#"{"amount": 1, "amount": 2}"#, twice("amount")),
        ("amount", r#"{"amount": 1, "\u0061mount": 2}"#, twice("amount")),
        ("amount", r#"{"amount": 1, "price": 1, "price": 1}"#, twice("price")),
        ("amount", r#"{"amount": 1, "Amount": 2}"#, unknown("Amount")),
        ("amount", r#"{"amount\u0000": 1}"#, unknown("amount\0")),
        (
            "amount",
            r#"{"$serde_json::private::RawValue": "{}"}"#,
            unknown("$serde_json::private::RawValue"),
        ),
        ("amount", "{}", Err("argument \"amount\" is missing".to_owned())),
        ("amount", r#"{"amount": null}"#, Err("argument \"amount\" is missing".to_owned())),
        ("amount", "", Err("argument \"amount\" is missing".to_owned())),
        ("amount", "[]", Err("the body must be a JSON object".to_owned())),
        ("amount", "null", Err("the body must be a JSON object".to_owned())),
    ] {
        assert_eq!(one(wanted, &Sent { body, ..good() }), want, "{body}");
    }
    for body in ["{", "\u{feff}{}", "{} {}", "amount=1", "{\"amount\": 01}", "{\"amount\": NaN}"] {
        let fault = one("amount", &Sent { body, ..good() }).unwrap_err();
        assert!(fault.starts_with("the body must be JSON: "), "{body:?}: {fault}");
    }
}

#[test]
fn every_kind_of_value_is_taken_as_what_it_has_to_be() {
    let text = |it: &str| Ok(Some(V::Text(it.to_owned())));
    let fault = |it: &str| Err(it.to_owned());
    for (wanted, body, want) in [
        ("price", r#"{"price": 0.1}"#, Ok(Some(V::Number(Decimal::from_ten_thousandths(1000))))),
        ("price", r#"{"price": 5}"#, Ok(Some(V::Number(Decimal::from_ten_thousandths(50_000))))),
        (
            "price",
            r#"{"price": 0.00001}"#,
            fault("argument \"price\" must be a number with at most four decimals"),
        ),
        ("id_body", r#"{"id": "7"}"#, text("7")),
        ("id_body", r#"{"id": null}"#, Ok(None)),
        ("labels", r#"{"labels": []}"#, Ok(Some(V::List(Vec::new())))),
        ("labels", r#"{"labels": ["a", 1]}"#, fault("argument \"labels\" must be a string")),
        (
            "labels",
            r#"{"labels": [null]}"#,
            fault("argument \"labels\" must be a list without null in it"),
        ),
        (
            "note",
            r#"{"note": {"text": "a", "any": [1], "level": null}}"#,
            Ok(Some(V::Object(vec![("text".into(), V::Text("a".to_owned()))]))),
        ),
        ("note", r#"{"note": {}}"#, fault("argument \"note.text\" is missing")),
        (
            "note",
            r#"{"note": {"text": "a", "Text": "b"}}"#,
            fault("argument \"note\" has the unknown member \"Text\""),
        ),
        (
            "note",
            r#"{"note": {"text": "a", "text": "a"}}"#,
            fault("argument \"note.text\" is given more than once"),
        ),
        ("note", r#"{"note": {"text": 1}}"#, fault("argument \"note.text\" must be a string")),
    ] {
        assert_eq!(one(wanted, &Sent { body, ..good() }), want, "{body}");
    }
    assert!(one("id_body", &Sent { body: r#"{"id_body": "7"}"#, ..good() }).is_err());
}

#[test]
fn a_body_that_is_no_plain_json_is_not_judged() {
    for headers in [
        &[][..],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "text/plain")],
        &[JSON, JSON],
        &[JSON, ("content-type", "text/plain")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json; charset=utf-8; charset=utf-7")],
        &[JSON, ("content-encoding", "gzip")],
        &[JSON, ("content-encoding", "identity")],
        &[JSON, ("content_encoding", "gzip")],
        &[JSON, ("content_type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json; x=y, application/x-www-form-urlencoded")],
    ] {
        let fault = one("amount", &Sent { headers, ..good() }).unwrap_err();
        assert!(fault.starts_with("the body must "), "{headers:?}: {fault}");
        // What reads no body does not care, unless it is a form: many servers look there first.
        let is_form = headers.iter().any(|(_, value)| value.contains("form"));
        assert_eq!(one("id", &Sent { headers, ..good() }).is_err(), is_form, "{headers:?}");
    }
    for media_type in
        ["application/json; charset=UTF-8", "Application/JSON", "application/shop+json;v=1"]
    {
        let headers = &[("content-type", media_type)][..];
        assert!(one("amount", &Sent { headers, ..good() }).is_ok(), "{media_type}");
    }
}

#[test]
fn a_query_has_one_reading_or_none() {
    let list =
        |it: &[&str]| Ok(Some(V::List(it.iter().map(|it| V::Text((*it).to_owned())).collect())));
    let integer = || Err("argument \"limit\" must be an integer of 64 bits".to_owned());
    for (wanted, query, want) in [
        ("limit", "limit=10", Ok(Some(V::Integer(10)))),
        ("limit", "%6cimit=1%30", Ok(Some(V::Integer(10)))),
        ("limit", "", Ok(None)),
        ("limit", "limit=010", integer()),
        ("limit", "limit=1e1", integer()),
        ("limit", "limit=10.0", integer()),
        ("limit", "limit=%2B10", integer()),
        ("limit", "limit=+10", integer()),
        ("limit", "limit=", integer()),
        ("limit", "limit", integer()),
        ("limit", "limit=1&limit=1", Err("argument \"limit\" is given more than once".to_owned())),
        ("dry", "dry=true", Ok(Some(V::Boolean(true)))),
        ("dry", "dry=1", Err("argument \"dry\" must be true or false".to_owned())),
        ("tag", "tag=a&tag=b,c", list(&["a", "b,c"])),
        ("tag", "tag=", list(&[""])),
        ("line", "line=1,2", Ok(Some(V::List(vec![V::Integer(1), V::Integer(2)])))),
        ("line", "line=1&line=2", Err("argument \"line\" is given more than once".to_owned())),
        ("line", "line=1,,2", Err("argument \"line\" must be an integer of 64 bits".to_owned())),
        ("where", "where={}", Err("argument \"where.text\" is missing".to_owned())),
        (
            "where",
            "where=%7B%22text%22:%22a%22%7D",
            Ok(Some(V::Object(vec![("text".into(), V::Text("a".to_owned()))]))),
        ),
        ("limit", "deep%5Btext%5D=a", Ok(None)),
    ] {
        let target = format!("/orders/7?{query}").replace('{', "%7B").replace('}', "%7D");
        assert_eq!(one(wanted, &Sent { target: &target, ..good() }), want, "{query}");
    }
    for query in
        ["Limit=1", "limit[]=1", "limit%5B0%5D=1", "amount=1", "other=1", "deep=1", "l%C4%B1mit=1"]
    {
        let target = format!("/orders/7?{}", query.replace('[', "%5B").replace(']', "%5D"));
        let fault = one("id", &Sent { target: &target, ..good() }).unwrap_err();
        assert!(fault.starts_with("unknown argument "), "{query}: {fault}");
    }
}

#[test]
fn a_header_has_one_reading_or_none() {
    let trace = |headers: &'static [(&'static str, &'static str)]| {
        one("X-Trace", &Sent { headers, ..good() })
    };
    assert_eq!(trace(&[("x-trace", "a")]), Ok(Some(V::Text("a".to_owned()))));
    assert_eq!(trace(&[]), Ok(None));
    for headers in [
        &[("x-trace", "a"), ("x-trace", "b")][..],
        &[("x_trace", "b")],
        &[("x-trace", "a"), ("x_trace", "b")],
    ] {
        assert_eq!(trace(headers), Err("argument \"X-Trace\" is given more than once".to_owned()));
    }
    // Servers take the spaces away, and a guard would have seen them.
    for headers in [&[("x-trace", " a")][..], &[("x-trace", "a\t")]] {
        let fault = trace(headers).unwrap_err();
        assert_eq!(fault, "argument \"X-Trace\" must be a string", "{headers:?}");
    }
}

#[test]
fn what_could_be_divided_elsewhere_is_refused() {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let document = json!({"openapi": "3.1.0", "paths": {"/compare/{base}...{head}": {"get": {
        "operationId": "call",
        "parameters": [
            {"name": "base", "in": "path", "required": true, "schema": text},
            {"name": "head", "in": "path", "required": true, "schema": text},
            {"name": "X-Ids", "in": "header", "schema": texts},
        ],
    }}}});
    let call = operation(&read(document), "call").clone();
    let reader = Reader::new(&call, &names(&["head", "X-Ids"]));
    let ask = |path: &str, ids: &'static str, body: contract::Sent<'_>| {
        let headers = HeaderMap::from_iter([("x-ids".parse().unwrap(), ids.parse().unwrap())]);
        let (path, query) = (Path::parse(path).unwrap(), Query::parse("").unwrap());
        let head = RequestHead { method: Method::GET, path, query, headers };
        reader.read(&call, &head, body).map_err(|it| it.to_string())
    };
    let nothing = contract::Sent::Nothing;
    assert!(ask("/compare/a...b", "x,y", nothing).is_ok());
    for (path, ids, want) in [
        ("/compare/a...b...c", "x", "\"head\" must be a string"),
        ("/compare/a...b", "x, y", "\"X-Ids\" must be a list"),
    ] {
        let fault = ask(path, ids, nothing).unwrap_err();
        assert!(fault.contains(want), "{path} {ids}: {fault}");
    }
    // Nobody said that it takes one.
    let fault = ask("/compare/a...b", "x", contract::Sent::Unread).unwrap_err();
    assert!(fault.contains("must be empty"), "{fault}");
}

#[test]
fn members_that_are_parameters_of_their_own_take_no_arguments_place() {
    let document = json!({"openapi": "3.1.0", "paths": {"/x/{id}": {"get": {
        "operationId": "call",
        "parameters": [
            {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
            {"name": "max_rows", "in": "query", "schema": {"type": "integer"}},
            {"name": "filter", "in": "query", "schema": {"type": "object"}},
        ],
    }}}});
    let call = operation(&read(document), "call").clone();
    let reader = Reader::new(&call, &names(&["max_rows"]));
    let read = |query: &str| {
        let head = RequestHead {
            method: Method::GET,
            path: Path::parse("/x/1").unwrap(),
            query: Query::parse(query).unwrap(),
            headers: HeaderMap::new(),
        };
        reader.read(&call, &head, contract::Sent::Nothing).map(|it| it.len())
    };
    assert_eq!(read("colour=red&max_rows=1").ok(), Some(1));
    for query in ["maxRows=9", "MAX_ROWS=9", "max_rows%5B%5D=9", "Id=9"] {
        assert!(read(query).is_err(), "{query}");
    }
}

/// Arguments as a tool gets them, and what is to be read back.
fn arguments() -> impl Strategy<Value = (Map<String, Value>, Vec<(String, V)>)> {
    let text = || "[a-z0-9 é,\"\\\\]{1,5}".prop_map(|it| (json!(it), V::Text(it)));
    let integer = || any::<i64>().prop_map(|it| (json!(it), V::Integer(it)));
    let boolean = any::<bool>().prop_map(|it| (json!(it), V::Boolean(it)));
    let number = (-100_000_000_i64..100_000_000).prop_map(|count| {
        let decimal = Decimal::from_ten_thousandths(count);
        (serde_json::from_str(&decimal.to_string()).unwrap(), V::Number(decimal))
    });
    let split = |it: Vec<(Value, V)>| {
        let (values, seen): (Vec<_>, Vec<_>) = it.into_iter().unzip();
        (Value::Array(values), V::List(seen))
    };
    let note = || {
        text().prop_map(|(value, seen)| {
            (json!({"text": value, "any": [1]}), V::Object(vec![("text".into(), seen)]))
        })
    };
    let first = (
        text(),
        of(integer()),
        of(boolean),
        of(vec(text(), 1..3).prop_map(split)),
        of(vec(integer(), 1..3).prop_map(split)),
        of(note()),
    );
    let rest = (
        of("[a-z]{1,4}".prop_map(|it| (json!(it), V::Text(it)))),
        integer(),
        of(number),
        of(text()),
        of(note()),
        of(vec(text(), 0..3).prop_map(split)),
    );
    (first, rest).prop_map(
        |((id, limit, dry, tag, line, filter), (trace, amount, price, other, note, labels))| {
            let all = [
                ("id", Some(id)),
                ("limit", limit),
                ("dry", dry),
                ("tag", tag),
                ("line", line),
                ("where", filter),
                ("X-Trace", trace),
                ("amount", Some(amount)),
                ("price", price),
                ("id_body", other),
                ("note", note),
                ("labels", labels),
            ];
            let given = all.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?)));
            given.map(|(name, (value, seen))| ((name.clone(), value), (name, seen))).unzip()
        },
    )
}

proptest! {
    #[test]
    fn what_a_tool_was_given_is_read_back((given, want) in arguments()) {
        let order = order();
        // What cannot be sent is refused before.
        let Ok(bound) = order.bind(given) else { return Ok(()) };
        let reader = Reader::new(&order, &seen(&order));
        let body = bound.body.unwrap_or_default();
        let values = reader.read(&order, &bound.head, whole(&body)).unwrap();
        let values: Vec<_> = values.into_iter().map(|(name, it)| (name.into_string(), it)).collect();
        prop_assert_eq!(values, want);
    }

    #[test]
    fn no_request_panics(target in "/orders/[a-z0-9]{1,3}(\\?[a-zA-Z0-9=&%,\\[\\]]{0,12})?", body in "[ -~]{0,20}|\\PC{0,8}") {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if Query::parse(query).is_ok() && Path::parse(path).is_ok() {
            drop(read_back(&["amount", "line", "where", "note"], &Sent { target: &target, body: &body, ..good() }));
        }
    }
}
