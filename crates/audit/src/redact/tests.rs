//! No secret is in what is kept, whatever was declared; and what was declared is done.

use model::{Detector, Place, Pointer, Redaction, Sought, Timestamp, Treatment};
use proptest::{prelude::*, sample};
use serde_json::{Map, Value, json};

use super::{By, Policy, REDACTED, Redacted, Salt, walk};

fn redacted_by(value: &Value, policy: &Policy) -> Value {
    let (salt, at) = (Salt::new(&[7; 32]), Timestamp::from_seconds(1_795_392_000));
    Redacted::of(value.as_object().unwrap(), By { policy, salt: &salt, at }).value().clone()
}

fn redacted(value: &Value) -> Value {
    redacted_by(value, &Policy::default())
}

fn hash(text: &str) -> String {
    Salt::new(&[7; 32]).hash(text.as_bytes(), Timestamp::from_seconds(1_795_392_000))
}

/// Rules as a collection has them: pointers, and the names of detectors.
fn policy(rules: &[(&str, Treatment)]) -> Policy {
    let redactions: Vec<_> =
        rules.iter().map(|(of, treatment)| redaction(of, *treatment)).collect();
    Policy::new(&[&redactions])
}

fn redaction(of: &str, treatment: Treatment) -> Redaction {
    let detector = Detector::ALL.into_iter().find(|it| it.as_str() == of);
    let of = match detector {
        Some(detector) => Sought::Like(detector),
        None => Sought::At(Pointer::parse(of).unwrap()),
    };
    Redaction { of, treatment, place: Place::default() }
}

#[test]
fn a_secret_is_gone_whether_its_name_or_its_look_betrays_it() {
    let arguments = json!({
        "id": 42,
        "total": 9.5,
        "apiKey": "x",
        "note": "use Bearer abcdef0123456789",
        "nested": {"list": [{"password": "hunter2"}, "123-45-6789", 7]},
        "credentials": {"user": "a", "more": ["b"]},
        "card": {"number": "4111 1111 1111 1111"},
        "has_password": true,
        "odk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO": 1,
    });
    assert_eq!(
        redacted(&arguments),
        json!({
            "id": 42,
            "total": 9.5,
            "apiKey": REDACTED,
            "note": REDACTED,
            "nested": {"list": [{"password": REDACTED}, REDACTED, 7]},
            "credentials": REDACTED,
            "card": REDACTED,
            "has_password": true,
            REDACTED: 1,
        })
    );
}

#[test]
fn of_a_card_its_end_is_kept_and_of_an_address_its_hash() {
    let ann = hash("ann@example.com");
    let arguments = json!({
        "paid": "4111 1111 1111 1111, then 5555555555554444",
        "number": 4_111_111_111_111_111_u64,
        "to": "Ann@Example.com",
        "text": "ann@example.com paid with 4111-1111-1111-1111.",
        "ann@example.com": "4111111111111111@example.com",
    });
    assert_eq!(
        redacted(&arguments),
        json!({
            "paid": "[card ending 1111], then [card ending 4444]",
            "number": "[card ending 1111]",
            "to": ann,
            "text": format!("{ann} paid with [card ending 1111]."),
            ann: REDACTED,
        })
    );
}

#[test]
fn what_was_found_is_told_by_its_detector_and_what_no_detector_saw_is_not() {
    let (salt, at) = (Salt::new(&[7; 32]), Timestamp::from_seconds(1_795_392_000));
    let hidden = policy(&[("/to", Treatment::Drop)]);
    for (arguments, policy, want) in [
        (json!({"id": 42, "note": "new"}), &Policy::default(), None),
        (json!({"to": "ann@example.com"}), &Policy::default(), Some("email")),
        (json!({"to": "ann@example.com"}), &policy(&[("/to", Treatment::Keep)]), Some("email")),
        (json!({"to": "ann@example.com"}), &hidden, None),
        (json!({"a": [{"b": 4_111_111_111_111_111_u64}]}), &Policy::default(), Some("card_number")),
        (json!({"4111111111111111@example.com": 1}), &Policy::default(), Some("card_number email")),
        (json!({"password": "x"}), &Policy::default(), Some("secret")),
        (json!({"password": null}), &Policy::default(), None),
        (
            json!({"to": "ann@example.com", "x": "Bearer abcdef0123456789", "y": "4111111111111111"}),
            &Policy::default(),
            Some("card_number email secret"),
        ),
        (json!({"to": "Bearer abcdef0123456789"}), &hidden, Some("secret")),
    ] {
        let by = By { policy, salt: &salt, at };
        assert_eq!(Redacted::of(arguments.as_object().unwrap(), by).found(), want, "{arguments}");
    }
}

#[test]
fn what_was_declared_is_done() {
    use Treatment::{Drop, Hash, Keep, Mask};
    let arguments = json!({
        "name": "Ann Example-Miller",
        "email": "ann@example.com",
        "id": 4711,
        "count": 4711,
        "is_new": true,
        "items": [{"sku": "A-1", "note": "for ann@example.com"}, {"sku": "B-2", "note": null}],
        "sort_key": "created",
        "card_number": "4111111111111111",
        "free": "bob@example.com, 4111111111111111",
    });
    let rules = policy(&[
        ("/name", Mask),
        ("/email", Mask),
        ("/id", Hash),
        ("/is_new", Drop),
        ("/items/*", Drop),
        ("/items/0/sku", Keep),
        ("/items/*/note", Keep),
        ("/sort_key", Hash),
        ("/card_number", Mask),
        ("email", Drop),
        ("card_number", Drop),
    ]);
    assert_eq!(
        redacted_by(&arguments, &rules),
        json!({
            "name": "***ller",
            "email": "a***@example.com",
            "id": hash("4711"),
            "count": 4711,
            "is_new": REDACTED,
            "items": [
                {"sku": "A-1", "note": "for ann@example.com"},
                {"sku": REDACTED, "note": null},
            ],
            "sort_key": hash("created"),
            "card_number": "***1111",
            "free": format!("{REDACTED}, {REDACTED}"),
        })
    );
}

#[test]
fn all_but_what_is_named_can_be_left_out() {
    let rules = policy(&[("/*", Treatment::Drop), ("/id", Treatment::Keep)]);
    let arguments = json!({"id": "7", "more": {"a": 1}, "list": [1, 2], "note": "x"});
    assert_eq!(
        redacted_by(&arguments, &rules),
        json!({"id": "7", "more": REDACTED, "list": REDACTED, "note": REDACTED})
    );
}

#[test]
fn a_secret_can_be_hashed_and_nothing_more() {
    let token = "ghp_0123456789abcdefghij";
    let arguments = json!({"a": token, "b": {"password": ["x", 1]}, "c": "x"});
    let hashed = redacted_by(&arguments, &policy(&[("secret", Treatment::Hash)]));
    assert_eq!((&hashed["a"], &hashed["c"]), (&json!(hash(token)), &json!("x")));
    assert!(hashed["b"]["password"].as_str().unwrap().starts_with("hmac:"), "{hashed}");
    for treatment in [Treatment::Keep, Treatment::Mask] {
        let rules = policy(&[("secret", treatment), ("/a", treatment), ("/b/password", treatment)]);
        let kept = redacted_by(&arguments, &rules);
        assert_eq!(kept, json!({"a": REDACTED, "b": {"password": REDACTED}, "c": "x"}));
    }
}

#[test]
fn what_is_long_is_cut_and_says_so() {
    let long = "x".repeat(1000);
    let kept = redacted(&json!({ "a": long }));
    assert_eq!(kept["a"], format!("{}[cut, 1000 bytes in all]", "x".repeat(256)));
    let many: Vec<_> = (0..1000).collect();
    let kept = redacted(&json!({ "a": many, "b": 1 }));
    assert_eq!(kept["a"][255], "[cut, 1000 items in all]");
    assert_eq!(kept["[cut]"], "[cut, 2 names in all]");
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({ "a": deep });
    }
    assert!(redacted(&deep).to_string().contains("[cut, too deep]"));
}

#[test]
fn what_was_not_looked_at_does_not_move_up_in_place_of_what_was_replaced() {
    // An address that fills what is looked at, and a card across its end.
    let name = "a".repeat(4096 - 20);
    let text = format!("{name}@example.com 4111111111111111");
    let kept = redacted(&json!({ "a": text }));
    assert!(!kept.to_string().contains("4111"), "{kept}");
    let text = format!("{} 4111111111111111", "x".repeat(250));
    let kept = redacted(&json!({ "a": text }));
    assert!(!kept.to_string().contains("411"), "{kept}");
}

#[test]
fn the_same_arguments_have_the_same_digest_in_whatever_order() {
    let (salt, policy) = (Salt::new(&[7; 32]), Policy::default());
    let at = |seconds| By { policy: &policy, salt: &salt, at: Timestamp::from_seconds(seconds) };
    let of = |value: Value, seconds| {
        Redacted::of(value.as_object().unwrap(), at(seconds)).digest().to_owned()
    };
    let one = of(json!({"a": 1, "b": "x"}), 0);
    assert_eq!(one, of(json!({"b": "x", "a": 1}), 86_399));
    assert_ne!(one, of(json!({"b": "y", "a": 1}), 0));
    assert_ne!(one, of(json!({"a": 1, "b": "x"}), 86_400));
    // What is not shown is in it too.
    assert_ne!(of(json!({"token": "a"}), 0), of(json!({"token": "b"}), 0));
}

/// Secrets of many kinds. What stands here after `SECRET` must never be read again.
fn canaries() -> Vec<String> {
    let body = "CANARY0123456789abcdefghijklmnopqrstuvwx";
    let known = super::prefix::PREFIXES.iter().map(|(prefix, _)| format!("{prefix}{body}"));
    let others = [
        format!("Bearer {body}"),
        format!("authorization: Basic {body}"),
        format!("Cookie: sid={body}"),
        format!("https://x.example/cb?access_token={body}"),
        format!("postgres://app:{body}@db/orders"),
        format!("-----BEGIN PRIVATE KEY-----\n{body}"),
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}"),
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n{body}"),
        format!("{{\"password\": \"{body}\"}}"),
        format!("aws_secret_access_key = {body}"),
        format!("DefaultEndpointsProtocol=https;AccountKey={body}"),
        format!("eyJhbGciOiJFUzI1NiJ9.{body}.c2lnbmF0dXJl"),
        format!("ewogImEiOiAiYiJ9.{body}.c2lnbmF0dXJl"),
    ];
    known.chain(others).collect()
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let of = prop_oneof![
        sample::select(vec!["card_number", "email", "secret"]).prop_map(str::to_owned),
        "(/(a|b|note|password|0|\\*)){1,4}",
    ];
    let rule = (of, sample::select(Treatment::ALL.to_vec()));
    let layer = prop::collection::vec(rule, 0..5);
    (layer.clone(), layer).prop_map(|(one, other)| {
        let layer = |it: &[(String, Treatment)]| -> Vec<_> {
            it.iter().map(|(of, treatment)| redaction(of, *treatment)).collect()
        };
        Policy::new(&[&layer(&one), &layer(&other)])
    })
}

/// A secret somewhere: as a value, within a text, as a name, deep within, under a name that tells it.
fn hidden(secret: &str) -> impl Strategy<Value = Value> + use<> {
    let (secret, around) = (secret.to_owned(), "[a-z ,;:/?&(]{0,12}");
    (around, "[ ,;)\"<>\n][a-z ]{0,12}|", 0..7_u8).prop_map(move |(before, after, how)| {
        let text = format!("{before} {secret}{after}");
        match how {
            0 => json!({ "a": secret }),
            1 => json!({ "note": text }),
            2 => json!({ "a": { secret.as_str(): 1 } }),
            3 => json!({ "a": [1, {"b": [text]}] }),
            4 => json!({ "password": secret }),
            5 => json!({ "b": { text: "x" } }),
            _ => json!({ "a": { "password": { "note": [text] } } }),
        }
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,600}".prop_map(Value::from),
        "([a-c]@b\\.c |4111111111111111 |\\PC){0,60}".prop_map(Value::from),
    ];
    leaf.prop_recursive(12, 400, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
            prop::collection::hash_map("\\PC{0,90}", inner, 0..20)
                .prop_map(|it| Value::from(it.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_secret_is_kept_whatever_was_declared(
        arguments in sample::select(canaries()).prop_flat_map(|it| hidden(&it)),
        policy in any_policy(),
    ) {
        let kept = redacted_by(&arguments, &policy).to_string();
        prop_assert!(!kept.contains("CANARY"), "{} of {}", kept, arguments);
        prop_assert!(!kept.contains("qrstuvwx"), "{} of {}", kept, arguments);
    }

    #[test]
    fn no_card_number_is_kept_whole_whatever_was_declared(
        card in sample::select(vec!["4539148803436467", "5425 2334 3010 9903", "3782-822463-10005"]),
        around in ("[a-z ,;]{0,12}", "[a-z ,;]{0,12}"),
        name in sample::select(vec!["a", "note", "card"]),
        policy in any_policy(),
    ) {
        let text = format!("{}{card}{}", around.0, around.1);
        let kept = redacted_by(&json!({ name: [text, card], "b": { text: card } }), &policy);
        let digits: String = kept.to_string().chars().filter(char::is_ascii_digit).collect();
        let secret: String = card.chars().filter(char::is_ascii_digit).collect();
        let most = secret.get(..secret.len().saturating_sub(4)).unwrap();
        prop_assert!(!digits.contains(most), "{}", kept);
    }

    #[test]
    fn no_address_is_kept_unless_that_was_declared(
        text in "[a-z ,;]{0,12} ann@example\\.com[ ,;]{0,12}",
        name in sample::select(vec!["a", "note", "token"]),
    ) {
        let kept = redacted(&json!({ name: text, "b": [{ text.clone(): text }] }));
        prop_assert!(!kept.to_string().contains("example"), "{}", kept);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn redacted_arguments_have_a_bounded_size(value in any_json(), policy in any_policy()) {
        let arguments = json!({ "a": value });
        let kept = redacted_by(&arguments, &policy);
        // Escapes make a byte six at most.
        prop_assert!(kept.to_string().len() < 8 * walk::BYTES_MAX);
    }
}
