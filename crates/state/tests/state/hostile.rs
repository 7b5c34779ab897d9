//! Whatever the text is, reading it ends soon, with nouns or with faults.

use std::fmt::Write as _;

use proptest::prelude::*;
use state::Folder;

use crate::folder;

/// The faults of one document, as text.
fn faults(path: &str, text: &str) -> String {
    let read = state::read(&folder([(path, text)]));
    read.err().unwrap_or_default().iter().map(|it| format!("{it}\n")).collect()
}

/// An alias of an alias of …: a few lines that stand for ten to the power of `levels` values.
fn bomb(levels: usize) -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (below, level) in (1..levels).enumerate() {
        let aliases = vec![format!("*a{below}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    text
}

#[test]
fn an_alias_bomb_is_refused() {
    let faults = faults("roles/a.yaml", &bomb(12));
    assert!(faults.contains("more values, or more aliases, than are accepted"), "{faults}");
    let (_, message) = state::parse_document(&bomb(12)).unwrap_err();
    assert!(message.contains("more values, or more aliases"), "{message}");
}

#[test]
fn aliases_cannot_build_what_is_too_deep_to_write() {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for (below, level) in (1..200).enumerate() {
        writeln!(text, "a{level}: &a{level} [*a{below}]").unwrap();
    }
    assert!(faults("roles/a.yaml", &text).contains("roles/a.yaml:64: nested too deep"));
    assert_eq!(state::parse_document(&text), Err((96, "nested too deep".to_owned())));
}

#[test]
fn a_bomb_of_merge_keys_is_refused() {
    let mut text = "a0: &a0 {x: 1}\n".to_owned();
    for level in 1..5_000 {
        writeln!(text, "a{level}: &a{level} {{<<: *a{}, k{level}: 1}}", level - 1).unwrap();
    }
    assert!(!faults("roles/a.yaml", &text).is_empty());
    assert!(state::parse_document(&text).is_err());
}

#[test]
fn an_alias_of_itself_is_refused() {
    assert!(faults("roles/a.yaml", "allow: &a [*a]\n").contains("roles/a.yaml:1"));
    assert!(state::parse_document("a: &a {b: *a}\n").is_err());
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let text = open.repeat(50_000) + "x" + &close.repeat(50_000);
        assert!(!faults("roles/a.yaml", &text).is_empty(), "{open}");
        assert!(state::parse_document(&text).is_err(), "{open}");
    }
    let lines: String = (0..1_000).map(|it| format!("{}a:\n", " ".repeat(it))).collect();
    assert!(faults("roles/a.yaml", &lines).contains("nested too deep"));
    assert!(state::parse_document(&("{\"a\":".repeat(50_000) + "1")).is_err());
}

#[test]
fn the_deepest_document_needs_little_stack() {
    let yaml = format!("a:\n{}x\n", "- ".repeat(95));
    let json = format!("{{\"a\":{}1{}}}", "[".repeat(95), "]".repeat(95));
    let read = move || {
        assert!(state::read(&folder([("roles/a.yaml", &*yaml), ("documents/a", &*json)])).is_err());
        state::parse_document(&yaml).unwrap() == state::parse_document(&json).unwrap()
    };
    // A quarter of what a thread of the runtime has.
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(read).unwrap();
    assert!(!thread.join().unwrap());
}

#[test]
fn size_is_bounded() {
    let long = format!("description: {}\nallow: []\n", "x".repeat(5 << 20));
    assert!(faults("roles/a.yaml", &long).contains("5242904 bytes are more than 4194304"));
    let long = format!("description: {}\nallow: []\n", "x".repeat(1 << 20));
    assert!(faults("roles/a.yaml", &long).contains("1048576 bytes are more than 65536"));
}

#[test]
fn the_number_of_values_is_bounded() {
    let many = "- x\n".repeat(250_000);
    assert!(faults("roles/a.yaml", &many).contains("more values"));
}

#[test]
fn a_thousand_faults_of_one_file_are_not_all_told() {
    let text: String = (0..1_000).map(|it| format!("key{it}: x\n")).collect();
    let read = state::read(&folder([("roles/a.yaml", &*text)])).unwrap_err();
    assert_eq!(read.len(), 101);
    let last = read.iter().find(|it| it.message.contains("more faults")).unwrap();
    assert_eq!(last.message, "901 more faults in this file");
}

#[test]
fn a_fault_shows_a_long_name_cut_and_without_control_characters() {
    let text = format!("\"{}\\e[31m\\n\\u202e\": x\nallow: []\n", "x".repeat(60));
    assert!(faults("roles/a.yaml", &text).contains("xxx\\u{1b}[31m\\n\\u{202e}\""));
    let text = format!("? {}\n: x\nallow: []\n", "x".repeat(100_000));
    assert!(faults("roles/a.yaml", &text).len() < 500);
}

#[test]
fn json_that_is_no_document_says_on_which_line() {
    for (text, line, want) in [
        ("", 0, ""),
        ("{", 1, "EOF while parsing an object"),
        ("{\n\"a\": 1,}", 2, "trailing comma"),
        ("{}\n{}", 2, "trailing characters"),
        ("{\"a\": 1,\n\"b\": {\"c\": 1, \"c\": 2}}", 2, "key \"c\" is named twice"),
        ("{\"a\": 1e999}", 1, "number out of range"),
        ("{\"a\": \"\\ud800\"}", 1, "unexpected end of hex escape"),
    ] {
        let read = state::parse_document(text);
        let Err((at, message)) = read else {
            assert_eq!(read, Ok(serde_json::Value::Null), "{text}");
            continue;
        };
        assert_eq!((at, message.contains(want)), (line, true), "{text}: {message}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_document() {
    for text in ["\u{feff}{\"a\": 1}", "\u{feff}a: 1"] {
        assert_eq!(state::parse_document(text), Ok(serde_json::json!({"a": 1})), "{text}");
    }
    assert_eq!(faults("roles/a.yaml", "\u{feff}allow: []\n"), "");
}

#[test]
fn words_and_numbers_of_yaml_stay_what_they_look_like() {
    let text = "a: [no, on, yes, 007, 1_000, 12:30, 2027-01-31, 0x10, 1.5, ~, true]\n200: x\n";
    let want = serde_json::json!({
        "a": ["no", "on", "yes", "007", "1_000", "12:30", "2027-01-31", 16, 1.5, null, true],
        "200": "x",
    });
    assert_eq!(state::parse_document(text), Ok(want));
    assert!(state::parse_document("a: .inf\n").is_err());
}

/// Pieces of documents, put together at random: nearer to the reader than plain garbage.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = vec![
        "kind",
        "owner",
        "profiles",
        "roles",
        "allow",
        "operations",
        "upstream",
        "url",
        "document",
        "rate",
        "quota",
        "hmac",
        "claims",
        "jwks",
        "keys",
        "http://x",
        "10/s",
        "*:*",
        "app",
        ": ",
        ":\n",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\"",
        "'",
        "|",
        ">",
        "&a ",
        "*a",
        "<<: ",
        "!!",
        "!x ",
        "---\n",
        "...",
        "#",
        "%",
        "? ",
        "~",
        "null",
        "1",
        "-0",
        "1e9",
        "\t",
        "\u{0}",
        "\u{feff}",
        "\u{2028}",
        "é",
        "\\u0000",
        "documents/x.yaml",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|it| it.concat())
}

/// A folder with `text` as a document of every kind.
fn everywhere(text: &str) -> Folder {
    let paths = [
        "clients/a.yaml",
        "collections/a.yaml",
        "credentials/a.yaml",
        "documents/x.yaml",
        "guards/a.yaml",
        "secrets/a.yaml",
        "upstreams/a.yaml",
        "issuers/a.json",
        "limits/a.yml",
        "roles/a.yaml",
    ];
    folder(paths.map(|it| (it, text)))
}

proptest! {
    #[test]
    fn garbage_is_read_to_an_end(text in prop_oneof![pieces(), "\\PC{0,200}", "(?s).{0,200}"]) {
        let read = state::read(&everywhere(&text));
        // No text is a good document of every kind.
        prop_assert!(read.is_err());
        for fault in read.unwrap_err() {
            prop_assert!(!fault.message.is_empty() && !fault.help.is_empty(), "{fault}");
            prop_assert!(!fault.message.chars().any(char::is_control), "{fault:?}");
        }
        drop(state::parse_document(&text));
    }

    #[test]
    fn a_damaged_document_is_read_to_an_end(cut in 0..800_usize, piece in pieces()) {
        let good = include_str!("../shop/collections/customers.yaml");
        let before: String = good.chars().take(cut).collect();
        let after: String = good.chars().skip(cut).collect();
        let damaged = format!("{before}{piece}{after}");
        drop(state::read(&everywhere(&damaged)));
        drop(state::parse_document(&damaged));
    }

    #[test]
    fn any_path_has_a_place_or_a_fault(path in "([a-z.~#]{0,4}/){0,3}[a-zA-Z. ]{0,6}(\\.yaml|\\.json|)") {
        drop(state::read(&folder([(&*path, "")])));
    }
}
