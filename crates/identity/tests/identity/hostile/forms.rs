//! Only one form of the three parts is a token.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{check, row};
use crate::{
    house::House,
    signer::{Signer, claims, with},
};

#[tokio::test]
async fn only_one_form_of_the_three_parts_is_a_token() {
    let signer = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let good = signer.token();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not three parts") };
    let form = "strict base64url";
    // 64 bytes leave four bits of the last character unused.
    let last = signature.chars().last().unwrap();
    let loose = char::from_u32(u32::from(last) + 1).unwrap();
    let loose = format!("{header}.{payload}.{}{loose}", &signature[..85]);
    let json_form = json!({"payload": payload, "protected": header, "signature": signature});
    let general = json!({"payload": payload, "signatures": [
        {"protected": header, "signature": signature}]});
    let padding = "x".repeat(16 * 1024);
    let large = signer.sign(&signer.header(), &with(&claims(), &json!({ "x": padding })));
    let huge = "x".repeat(1024 * 1024);
    let huge = signer.sign(&signer.header(), &with(&claims(), &json!({ "x": huge })));
    let rows = [
        row("empty", "", form),
        row("dots", "..", form),
        row("four dots", "....", form),
        row("one part", header, form),
        row("two parts", format!("{header}.{payload}"), form),
        row("no signature", format!("{header}.{payload}."), form),
        row("no payload", format!("{header}..{signature}"), "payload is not"),
        row("no header", format!(".{payload}.{signature}"), "header is not"),
        row("four parts", format!("{good}.{signature}"), form),
        row("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}"), form),
        row("dot before", format!(".{good}"), form),
        row("dot behind", format!("{good}."), form),
        row("padding", format!("{good}=="), form),
        row("header padding", format!("{header}=.{payload}.{signature}"), form),
        row("loose bits", loose, form),
        row("space", format!("{good} "), form),
        row("new line", format!("{good}\n"), form),
        row("inner space", good.replacen('.', " .", 1), form),
        row("nul", format!("{good}\0"), form),
        row("plain base64", good.replace(['-', '_'], "+") + "+", form),
        row("comma", format!("{good},{good}"), form),
        row("json form", json_form.to_string(), form),
        row("general json form", general.to_string(), form),
        row("above 16 KiB", large, "longer than 16 KiB"),
        row("a mebibyte", huge, "longer than 16 KiB"),
        row("not ascii", format!("{good}ä"), form),
    ];
    check(&house, &good, rows).await;
}
