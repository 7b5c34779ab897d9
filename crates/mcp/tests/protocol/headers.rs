//! The headers must say what the body says, wherever the revision demands them.

use mcp::{Era, Id, Version, classify, headers::check_media_types, parse};

use crate::{Lines, Verdict, headers, verdict};

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn era(lines: Lines<'_>, body: &str) -> Verdict<Era> {
    let incoming = parse(body.as_bytes()).unwrap();
    verdict(classify(&headers(lines), &incoming))
}

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
}

const VERSION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");
const METHOD: (&str, &str) = ("Mcp-Method", "tools/call");
const NAME: (&str, &str) = ("Mcp-Name", "t");

#[test]
fn a_stateless_call_needs_headers_that_say_what_its_body_says() {
    let mismatch = Err((400, -32020));
    let table: &[(Lines<'_>, Verdict<Era>)] = &[
        (&[VERSION, METHOD, NAME], Ok(Era::Stateless)),
        (&[VERSION, METHOD, ("mcp-name", "t")], Ok(Era::Stateless)),
        (&[VERSION, METHOD, ("Mcp-Name", "=?base64?dA==?=")], Ok(Era::Stateless)),
        (&[VERSION, METHOD, ("Mcp-Name", "  t\t")], Ok(Era::Stateless)),
        (&[VERSION, METHOD, NAME, ("Mcp-Param-Region", "x")], Ok(Era::Stateless)),
        (&[VERSION, METHOD, NAME, ("Mcp-Session-Id", "x")], Ok(Era::Stateless)),
        // Missing.
        (&[], mismatch),
        (&[METHOD, NAME], mismatch),
        (&[VERSION, NAME], mismatch),
        (&[VERSION, METHOD], mismatch),
        // Different.
        (&[("MCP-Protocol-Version", "2025-11-25"), METHOD, NAME], mismatch),
        (&[("MCP-Protocol-Version", "2027-01-01"), METHOD, NAME], mismatch),
        (&[("MCP-Protocol-Version", ""), METHOD, NAME], mismatch),
        (&[("MCP-Protocol-Version", "2026-07-28, 2026-07-28"), METHOD, NAME], mismatch),
        (&[VERSION, ("Mcp-Method", "tools/list"), NAME], mismatch),
        (&[VERSION, ("Mcp-Method", "Tools/Call"), NAME], mismatch),
        (&[VERSION, ("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="), NAME], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "T")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "t,t")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "=?BASE64?dA==?=")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "=?base64?dA?=")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "=?base64?dB==?=")], mismatch),
        (&[VERSION, METHOD, ("Mcp-Name", "tä")], mismatch),
        // Doubled, even where both say the same.
        (&[VERSION, VERSION, METHOD, NAME], mismatch),
        (&[VERSION, METHOD, METHOD, NAME], mismatch),
        (&[VERSION, METHOD, NAME, NAME], mismatch),
        (&[VERSION, METHOD, NAME, ("mcp-name", "other")], mismatch),
    ];
    let body = call(&format!(r#""name":"t",{META}"#));
    for (lines, want) in table {
        assert_eq!(era(lines, &body), *want, "{lines:?}");
    }
}

#[test]
fn a_name_that_needs_encoding_is_compared_decoded() {
    for name in ["größe", " t", "=?base64?dA==?=", "日本"] {
        let encoded = mcp::headers::encode(name);
        let body = call(&format!(r#""name":"{name}",{META}"#));
        assert_eq!(
            era(&[VERSION, METHOD, ("Mcp-Name", &encoded)], &body),
            Ok(Era::Stateless),
            "{name}"
        );
    }
    // A literal that looks encoded stands for what it decodes to.
    let body = call(&format!(r#""name":"=?base64?dA==?=",{META}"#));
    let literal = [VERSION, METHOD, ("Mcp-Name", "=?base64?dA==?=")];
    assert_eq!(era(&literal, &body), Err((400, -32020)));
}

#[test]
fn the_name_is_that_of_the_method() {
    let table: &[(&str, &str, Option<&str>, Verdict<Era>)] = &[
        ("prompts/get", r#""name":"n","#, Some("n"), Ok(Era::Stateless)),
        ("resources/read", r#""uri":"u","name":"n","#, Some("u"), Ok(Era::Stateless)),
        ("resources/read", r#""uri":"u","name":"n","#, Some("n"), Err((400, -32020))),
        ("tasks/get", r#""taskId":"k","#, Some("k"), Ok(Era::Stateless)),
        ("tasks/cancel", r#""taskId":"k","#, None, Err((400, -32020))),
        // Methods that name nothing have no use for the header.
        ("tools/list", "", None, Ok(Era::Stateless)),
        ("tools/list", r#""name":"n","#, Some("x"), Ok(Era::Stateless)),
        // Without a name in the body the parameters are refused later, but no header may add one.
        ("tools/call", "", None, Ok(Era::Stateless)),
        ("tools/call", "", Some("n"), Err((400, -32020))),
        ("tools/call", r#""name":7,"#, Some("7"), Err((400, -32020))),
        ("tools/call", r#""Name":"n","#, Some("n"), Err((400, -32020))),
    ];
    for (method, params, name, want) in table {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{META}}}}}"#
        );
        let mut lines = vec![VERSION, ("Mcp-Method", method)];
        lines.extend(name.map(|it| ("Mcp-Name", it)));
        assert_eq!(era(&lines, &body), *want, "{method} {params} {name:?}");
    }
}

#[test]
fn a_stateless_request_carries_its_whole_envelope() {
    let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    let capabilities = r#""io.modelcontextprotocol/clientCapabilities":{}"#;
    let meta = |inside: &str| format!(r#","params":{{"_meta":{inside}}}"#);
    let missing = Err((400, -32602));
    let table = [
        (meta(&format!("{{{version},{capabilities}}}")), Ok(Era::Stateless)),
        (
            meta(&format!(
                r#"{{{version},{capabilities},"io.modelcontextprotocol/clientInfo":7}}"#
            )),
            Ok(Era::Stateless),
        ),
        (meta(&format!("{{{version}}}")), missing),
        (meta(&format!("{{{capabilities}}}")), missing),
        (
            meta(&format!(r#"{{{version},"io.modelcontextprotocol/clientCapabilities":[]}}"#)),
            missing,
        ),
        (
            meta(&format!(r#"{{{version},"io.modelcontextprotocol/clientCapabilities":null}}"#)),
            missing,
        ),
        (
            meta(&format!(
                r#"{{"io.modelcontextprotocol/protocolVersion":20260728,{capabilities}}}"#
            )),
            missing,
        ),
        (meta("{}"), missing),
        (meta("[]"), missing),
        (meta("null"), missing),
        (r#","params":{}"#.to_owned(), missing),
        (String::new(), missing),
    ];
    for (params, want) in table {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list"{params}}}"#);
        assert_eq!(era(&[VERSION, ("Mcp-Method", "tools/list")], &body), want, "{params}");
    }
}

#[test]
fn an_unknown_version_is_told_which_ones_there_are() {
    let body = call(
        r#""name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}"#,
    );
    let lines = [("MCP-Protocol-Version", "2099-01-01"), METHOD, NAME];
    let error = classify(&headers(&lines), &parse(body.as_bytes()).unwrap()).unwrap_err();
    insta::assert_snapshot!(str::from_utf8(&error.body()).unwrap(), @r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"unsupported protocol version \"2099-01-01\"","data":{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"requested":"2099-01-01"}}}"#);
    // A version with sessions begins with initialize, not with an envelope.
    let body = call(
        r#""name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}}"#,
    );
    let lines = [("MCP-Protocol-Version", "2025-11-25"), METHOD, NAME];
    assert_eq!(era(&lines, &body), Err((400, -32022)));
    let long = "9".repeat(5000);
    let plain = parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).unwrap();
    let error = classify(&headers(&[("MCP-Protocol-Version", &long)]), &plain).unwrap_err();
    assert!((error.status, error.code) == (http::StatusCode::BAD_REQUEST, -32022));
    assert!(error.body().len() < 500);
}

#[test]
fn initialize_has_no_place_in_the_stateless_era() {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":"i","method":"initialize","params":{{"protocolVersion":"2026-07-28",{META}}}}}"#
    );
    let lines = [VERSION, ("Mcp-Method", "initialize")];
    let error = classify(&headers(&lines), &parse(body.as_bytes()).unwrap()).unwrap_err();
    assert_eq!((error.status.as_u16(), error.code), (404, -32601));
    assert_eq!(error.id, Some(Id::Text("i".into())));
    // Without the envelope and the header, it begins a session, whatever version it asks for.
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2026-07-28"}}"#;
    assert_eq!(era(&[], body), Ok(Era::Session(Version::V2025_03_26)));
}

#[test]
fn the_older_eras_are_not_judged_by_headers_they_do_not_have() {
    let v = |text| ("MCP-Protocol-Version", text);
    let table: &[(Lines<'_>, Verdict<Era>)] = &[
        (&[], Ok(Era::Session(Version::V2025_03_26))),
        (&[v("2025-03-26")], Ok(Era::Session(Version::V2025_03_26))),
        (&[v("2025-06-18")], Ok(Era::Session(Version::V2025_06_18))),
        (&[v("2025-11-25")], Ok(Era::Session(Version::V2025_11_25))),
        (
            &[v("2025-11-25"), ("Mcp-Method", "wrong"), ("Mcp-Name", "=?base64?!?=")],
            Ok(Era::Session(Version::V2025_11_25)),
        ),
        (&[v("2025-11-25"), NAME, NAME], Ok(Era::Session(Version::V2025_11_25))),
        (&[v("2024-11-05")], Err((400, -32022))),
        (&[v("latest")], Err((400, -32022))),
        (&[v("2025-11-25"), v("2025-11-25")], Err((400, -32020))),
        (&[v("2025-11-25"), v("2026-07-28")], Err((400, -32020))),
        (&[VERSION], Err((400, -32602))),
    ];
    let body = call(r#""name":"t","_meta":{"progressToken":1}"#);
    for (lines, want) in table {
        assert_eq!(era(lines, &body), *want, "{lines:?}");
    }
}

#[test]
fn what_is_no_request_finds_its_era_too() {
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let batch = format!("[{notification},{answer}]");
    let stateless_batch = format!("[{}]", call(&format!(r#""name":"t",{META}"#)));
    let session = Ok(Era::Session(Version::V2025_03_26));
    let table: &[(&str, Lines<'_>, Verdict<Era>)] = &[
        (notification, &[], session),
        (notification, &[VERSION], Ok(Era::Stateless)),
        (notification, &[("MCP-Protocol-Version", "2099-01-01")], Err((400, -32022))),
        (answer, &[], session),
        (answer, &[VERSION], Err((400, -32600))),
        (&batch, &[], session),
        (&batch, &[VERSION], Err((400, -32600))),
        (&stateless_batch, &[], Err((400, -32600))),
    ];
    for (body, lines, want) in table {
        assert_eq!(era(lines, body), *want, "{body} {lines:?}");
    }
}

#[test]
fn a_post_carries_json_and_its_sender_takes_json() {
    let json = ("Content-Type", "application/json");
    let table: &[(Lines<'_>, Verdict<()>)] = &[
        (&[json], Ok(())),
        (&[("Content-Type", "Application/JSON; charset=utf-8")], Ok(())),
        (&[json, ("Accept", "application/json, text/event-stream")], Ok(())),
        (&[json, ("Accept", "text/event-stream"), ("Accept", "application/json;q=0.5")], Ok(())),
        (&[json, ("Accept", "*/*")], Ok(())),
        (&[json, ("Accept", "text/event-stream")], Err((406, -32600))),
        (&[json, ("Accept", "")], Err((406, -32600))),
        (&[], Err((415, -32600))),
        (&[("Content-Type", "text/plain")], Err((415, -32600))),
        (&[("Content-Type", "application/jsonp")], Err((415, -32600))),
        (&[("Content-Type", "text/plain; application/json")], Err((415, -32600))),
    ];
    for (lines, want) in table {
        assert_eq!(verdict(check_media_types(&headers(lines))), *want, "{lines:?}");
    }
}
