//! JSON that parsers disagree about is refused, whole and at every depth.

use mcp::{Incoming, json, parse};
use proptest::prelude::*;

const SUITE: &str = include_str!("data/json_test_suite.txt");

/// The suite's cases: name and bytes.
fn suite() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let lines = SUITE.lines().filter(|it| !it.starts_with('#'));
    lines.map(|it| it.split_once('\t').unwrap()).map(|(name, text)| (name, unescape(text)))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'\\' { escaped(&mut rest) } else { byte });
    }
    bytes
}

fn escaped(rest: &mut impl Iterator<Item = u8>) -> u8 {
    match rest.next().unwrap() {
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        b'\\' => b'\\',
        b'x' => {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
        }
        other => panic!("unknown escape {other}"),
    }
}

/// A call with `value` as an argument.
fn call_with(value: &[u8]) -> Vec<u8> {
    let mut body =
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"v":"#
            .to_vec();
    body.extend_from_slice(value);
    body.extend_from_slice(b"}}}");
    body
}

#[test]
fn the_json_test_suite_passes_alone_and_inside_a_call() {
    // Of what is JSON, only keys that occur twice are refused.
    const REFUSED: [&str; 2] = ["y_object_duplicated_key", "y_object_duplicated_key_and_value"];
    let mut count = 0;
    for (name, text) in suite().filter(|(name, _)| !name.starts_with("i_")) {
        let want = name.starts_with("y_") && !REFUSED.contains(&name);
        assert_eq!(json::passable(&text).is_ok(), want, "{name}");
        // Structures that close more than they opened could close the call around them.
        assert_eq!(parse(&call_with(&text)).is_ok(), want, "{name} in a call");
        count += 1;
    }
    assert_eq!(count, 95 + 186);
    for bomb in ["[".repeat(100_000), r#"[{"":"#.repeat(50_000)] {
        assert!(json::passable(bomb.as_bytes()).is_err());
        assert!(parse(&call_with(bomb.as_bytes())).is_err());
    }
}

#[test]
fn what_the_suite_leaves_open_is_decided() {
    // A number that rounds to zero, or loses digits after the point, has a meaning everywhere.
    const ACCEPTED: [&str; 2] = ["i_number_double_huge_neg_exp", "i_number_real_underflow"];
    // Integers beyond 64 bits may pass through in an upstream's answer; nobody here rounds them.
    const PASSABLE: [&str; 3] =
        ["i_number_too_big_neg_int", "i_number_too_big_pos_int", "i_number_very_big_negative_int"];
    let mut count = 0;
    for (name, text) in suite().filter(|(name, _)| name.starts_with("i_")) {
        let is_accepted = ACCEPTED.contains(&name);
        assert_eq!(parse(&call_with(&text)).is_ok(), is_accepted, "{name}");
        let is_passable = is_accepted || PASSABLE.contains(&name);
        assert_eq!(json::passable(&text).is_ok(), is_passable, "{name}");
        count += 1;
    }
    assert_eq!(count, 35);
}

#[test]
fn a_text_with_two_readings_is_refused_with_its_reason() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let many = format!("[{}0]", "0,".repeat(json::VALUES_MAX - 1));
    let table = [
        (r#"{"a":1,"a":2}"#, r#"the key "a" occurs twice"#),
        (r#"{"a":1,"b":{"c":[{"d":1,"d":1}]}}"#, r#"the key "d" occurs twice"#),
        (r#"{"a":1,"\u0061":2}"#, r#"the key "a" occurs twice"#),
        (r#"{"a":{"a":{"a":1}},"b":1,"a":1}"#, r#"the key "a" occurs twice"#),
        (r#"{"":0,"":0}"#, r#"the key "" occurs twice"#),
        (r#"{"__proto__":1,"__proto__":2}"#, r#"the key "__proto__" occurs twice"#),
        (&deep(65), "nested deeper than 64"),
        (&many, "more than 100000 values"),
        ("\u{feff}{}", "byte order mark"),
        (r#"{"a":18446744073709551616}"#, "the integer 18446744073709551616 does not fit"),
        (r#"{"a":-9223372036854775809}"#, "the integer -9223372036854775809 does not fit"),
        (r#"{"123456789012345678901":[1,12345678901234567890123]}"#, "integer 12345678901234567"),
        (r#"["\"9999999999999999999999\\",99999999999999999999]"#, "integer 99999999999999999999 "),
        (r#"{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}"#, "is reserved"),
        (r#"[{"\u0024serde_json::private::Number":"1"}]"#, "is reserved"),
        ("NaN", "not JSON"),
        ("-Infinity", "not JSON"),
        ("{} {}", "not JSON: trailing characters"),
        ("{}//", "not JSON: trailing characters"),
        (r#"{"a":1,}"#, "not JSON: trailing comma"),
        (r#"{'a':1}"#, "not JSON"),
        (r#""\ud800""#, "not JSON: "),
        (r#"{"\udc00":1}"#, "not JSON: "),
        ("\"a\nb\"", "not JSON: control character"),
        ("1e400", "not JSON: number out of range"),
        ("", "not JSON: EOF"),
    ];
    for (text, want) in table {
        assert!(parse(&call_with(text.as_bytes())).is_err(), "{text} in a call");
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.message.contains(want), "{}: {want}", error.message);
        assert_eq!(error.status, 400, "{text}");
        let is_syntax = want.starts_with("not JSON") || want.starts_with("byte order");
        assert_eq!(error.code, if is_syntax { -32700 } else { -32600 }, "{text}");
    }
}

#[test]
fn what_is_just_within_the_bounds_is_read() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let table = [
        deep(64),
        format!("[{}0]", "0,".repeat(json::VALUES_MAX - 2)),
        r#"{"a":{"a":[{"a":1},{"a":1}]},"A":1,"á":1,"b":{"a":1}}"#.to_owned(),
        r#"[18446744073709551615,-9223372036854775808,1e300,1E20,100000000000000000000.0]"#.into(),
        r#"{"99999999999999999999":"99999999999999999999"}"#.to_owned(),
        r#"{"serde_json::private::RawValue":1,"x":"$serde_json::private::RawValue"}"#.to_owned(),
        r#"["\ud83d\ude00","\u0000","\/","\u2028"]"#.to_owned(),
        " [ ] ".to_owned(),
    ];
    for text in table {
        assert!(json::passable(text.as_bytes()).is_ok(), "{text}");
    }
    // The call around it takes three levels.
    assert!(parse(&call_with(deep(61).as_bytes())).is_ok());
    assert!(parse(&call_with(deep(62).as_bytes())).is_err());
}

#[test]
fn many_keys_are_compared_in_less_than_quadratic_time() {
    // 50,000 keys compared each with each would take minutes.
    let keys: Vec<String> = (0..50_000).map(|it| format!("\"key{it}\":0")).collect();
    let object = format!("{{{}}}", keys.join(","));
    assert!(json::passable(object.as_bytes()).is_ok());
    let twice = format!("{{{},\"key7\":0}}", keys.join(","));
    assert!(json::passable(twice.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_bring_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _outcome = parse(&bytes).is_ok();
        let _outcome = json::passable(&bytes).is_ok();
    }

    #[test]
    fn no_almost_json_brings_the_parser_down(
        text in r#"([\[\]{}:,"0-9eE+\-. \\un]|true|null|"id"|"method"|"jsonrpc":"2.0"|\\ud8){0,80}"#
    ) {
        let _outcome = parse(text.as_bytes()).is_ok();
    }

    #[test]
    fn whatever_passes_reads_the_same_in_serde_json(value in json_value()) {
        let text = value.to_string();
        prop_assert_eq!(json::passable(text.as_bytes()).unwrap().get(), &text);
        let body = call_with(text.as_bytes());
        let Ok(Incoming::One(mcp::Message::Request(request))) = parse(&body) else {
            return Err(TestCaseError::fail("not read"));
        };
        let call = mcp::CallParams::read(&request).unwrap();
        prop_assert_eq!(call.arguments.get("v"), Some(&value));
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inside| {
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inside, 0..6)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}
