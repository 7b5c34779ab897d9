//! Each rule, shown by a small house that breaks it, and a house in order that passes.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{check, house::HOUSE};

/// A house with all its crates, each of one line.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(TempDir::new().unwrap());
        site.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n\
             [workspace.lints.rust]\n",
        );
        for name in HOUSE.floors.iter().copied().flatten().chain(HOUSE.beside) {
            site.manifest(name, "");
            let root = site.path(name).join("src/lib.rs");
            fs::create_dir_all(root.parent().unwrap()).unwrap();
            fs::write(root, format!("//! The crate {name}, in one line.\n")).unwrap();
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        let folder = if name == "xtask" { "xtask" } else { &format!("crates/{name}") };
        self.0.path().join(folder)
    }

    /// Writes the manifest of a crate, with more lines at its end.
    fn manifest(&self, name: &str, more: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
        fs::write(
            self.path(name).join("Cargo.toml"),
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 description = \"x\"\n[lints]\nworkspace = true\n{more}"
            ),
        )
        .unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The faults, each as `place: message`.
    fn faults(&self) -> Vec<String> {
        let faults = check(self.0.path()).unwrap();
        assert!(faults.iter().all(|it| !it.help.is_empty()));
        faults.iter().map(|it| format!("{}: {}", it.place, it.message)).collect()
    }
}

/// Plants one file into a house in order, and expects these faults and no others.
fn check_file(path: &str, text: &str, want: &[&str]) {
    let site = Site::new();
    site.write(path, text);
    assert_eq!(site.faults(), want, "{path}");
}

/// Plants dependencies into the manifest of one crate.
fn check_manifest(name: &str, more: &str, want: &[&str]) {
    let site = Site::new();
    site.manifest(name, more);
    assert_eq!(site.faults(), want, "{name}: {more}");
}

#[test]
fn a_house_in_order_passes() {
    assert_eq!(Site::new().faults(), [""; 0]);
}

#[test]
fn a_crate_imports_only_from_floors_below_its_own() {
    let from = |name: &str| format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n");
    check_manifest("gateway", &from("policy"), &[]);
    check_manifest(
        "identity",
        &from("policy"),
        &["crates/identity/Cargo.toml:9: \"identity\" must not import \"policy\", \
           which stands on no floor below it"],
    );
    check_manifest(
        "model",
        &from("gateway"),
        &["crates/model/Cargo.toml:9: \"model\" must not import \"gateway\", \
           which stands on no floor below it"],
    );
    check_manifest(
        "gateway",
        &from("testkit"),
        &["crates/gateway/Cargo.toml:9: \"gateway\" must not import \"testkit\", \
           which stands beside the house"],
    );
    let dev = from("testkit").replace("[dep", "[dev-dep");
    check_manifest("gateway", &dev, &[]);
}

#[test]
fn a_protocol_never_imports_what_decides_not_even_in_tests() {
    check_manifest(
        "mcp",
        "[dev-dependencies]\npolicy = { path = \"../policy\" }\n",
        &["crates/mcp/Cargo.toml:9: \"mcp\" must never import \"policy\""],
    );
    check_manifest(
        "gateway",
        "[build-dependencies]\nstore = { version = \"1\" }\n",
        &["crates/gateway/Cargo.toml:9: \"gateway\" must never import \"store\""],
    );
}

#[test]
fn a_dependency_with_a_home_lives_nowhere_else() {
    check_manifest("state", "[dependencies]\nserde-saphyr = \"2\"\n", &[]);
    check_manifest(
        "contract",
        "[dependencies]\nserde-saphyr = \"2\"\n",
        &["crates/contract/Cargo.toml:9: \"contract\" must not import \"serde-saphyr\", \
           whose home is state"],
    );
    // Another name hides nothing.
    check_manifest(
        "audit",
        "[target.'cfg(unix)'.dependencies]\nweb = { package = \"hyper\", version = \"1\" }\n",
        &["crates/audit/Cargo.toml: \"audit\" must not import \"hyper\", \
           whose home is gateway, onedoor, testkit, upstream"],
    );
    check_manifest("audit", "[dev-dependencies]\nhyper = \"1\"\n", &[]);
}

#[test]
fn a_crate_that_is_new_or_gone_must_be_in_the_rules() {
    let site = Site::new();
    site.manifest("billing", "");
    site.write("crates/billing/src/lib.rs", "//! The crate billing, in one line.\n");
    fs::remove_dir_all(site.path("mcp")).unwrap();
    assert_eq!(
        site.faults(),
        [
            "crates/billing/Cargo.toml: crate \"billing\" is on no floor",
            "xtask/src/tidy/house.rs: there is no crate \"mcp\"",
        ]
    );
}

#[test]
fn a_crate_says_what_it_is_and_takes_the_lints() {
    let site = Site::new();
    site.write(
        "crates/audit/Cargo.toml",
        "[package]\nname = \"audit\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    site.write("crates/audit/src/lib.rs", "//! x\n");
    assert_eq!(
        site.faults(),
        [
            "crates/audit/Cargo.toml: crate \"audit\" does not say what it is",
            "crates/audit/Cargo.toml: crate \"audit\" goes without the lints of the workspace",
            "crates/audit/src/lib.rs:1: does not open by saying what this crate is",
        ]
    );
    let site = Site::new();
    fs::rename(site.path("audit"), site.path("log")).unwrap();
    assert_eq!(
        site.faults(),
        ["crates/log/Cargo.toml: crate \"audit\" lives in a folder of another name"]
    );
}

#[test]
fn the_pipeline_knows_no_surface_and_no_edge() {
    check_file(
        "crates/gateway/src/pipeline.rs",
        "//! What happens to a call.\nuse crate::{edge, snapshot};\n",
        &["crates/gateway/src/pipeline.rs:2: must not mention crate::edge"],
    );
    check_file(
        "crates/gateway/src/pipeline/meter.rs",
        "//! May it call so often?\nfn f() {\n    super::super::surface::rest::f();\n}\n",
        &["crates/gateway/src/pipeline/meter.rs:3: must not mention crate::surface"],
    );
    // What only begins alike is another thing.
    check_file(
        "crates/gateway/src/pipeline.rs",
        "//! What happens to a call.\nuse crate::edges;\n// crate::surface\n",
        &[],
    );
}

#[test]
fn a_surface_decides_nothing() {
    check_file(
        "crates/gateway/src/surface/rest.rs",
        "//! Plain HTTP in and out.\nuse policy::decide;\nfn f() { limits::Meter::new(); }\n",
        &[
            "crates/gateway/src/surface/rest.rs:2: must not mention policy",
            "crates/gateway/src/surface/rest.rs:3: must not mention limits",
        ],
    );
    check_file(
        "crates/gateway/src/surface/rest.rs",
        "//! Plain HTTP in and out.\nfn f(policy: u8, limits: u8) { policy + limits; }\n",
        &[],
    );
}

#[test]
fn only_the_binary_reads_the_environment() {
    let text = "//! Something that has a setting.\nuse std::{env, fmt};\n";
    let fault = "crates/audit/src/setting.rs:2: must not mention std::env";
    check_file("crates/audit/src/setting.rs", text, &[fault]);
    check_file("crates/onedoor/src/setting.rs", text, &[]);
    check_file("xtask/src/setting.rs", text, &[]);
    check_file("crates/audit/tests/setting.rs", text, &[]);
}

#[test]
fn only_the_clock_reads_the_time() {
    let text = "//! Something that takes time.\nuse std::time::Instant;\n\
                fn f() { Instant::now(); std::time::SystemTime::now(); }\n";
    let faults = |file: &str| {
        ["Instant", "SystemTime"]
            .map(|it| format!("{file}:3: must not mention std::time::{it}::now"))
    };
    for file in ["crates/limits/src/bucket.rs", "xtask/src/bucket.rs"] {
        check_file(file, text, &faults(file).each_ref().map(String::as_str));
    }
    check_file("crates/model/src/clock.rs", text, &[]);
    check_file("crates/limits/src/bucket.rs", &text.replace("std::", "tokio::"), &[]);
}

#[test]
fn a_secret_is_laid_open_in_few_places() {
    let text = "//! Something with a secret.\nfn f() { key.expose().len(); }\n";
    let fault = "crates/gateway/src/key.rs:2: must not mention .expose";
    check_file("crates/gateway/src/key.rs", text, &[fault]);
    check_file("crates/identity/src/key.rs", text, &[]);
    check_file("crates/upstream/src/key.rs", text, &[]);
}

#[test]
fn a_pure_crate_reads_nothing_and_a_decision_has_no_clock() {
    check_file(
        "crates/policy/src/rule.rs",
        "//! What a role allows.\nuse model::{Caller, Clock};\nfn f() { std::fs::read(\"x\"); }\n",
        &[
            "crates/policy/src/rule.rs:2: must not mention model::Clock",
            "crates/policy/src/rule.rs:3: must not mention std::fs",
        ],
    );
}

#[test]
fn a_file_is_short_before_its_tests() {
    let lines = |count: usize| format!("//! A file of many lines.\n{}", "// x\n".repeat(count - 1));
    let path = "crates/audit/src/long.rs";
    check_file(path, &lines(400), &[]);
    check_file(
        path,
        &lines(401),
        &["crates/audit/src/long.rs: 401 lines before its tests, 400 at most"],
    );
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(390), "// x\n".repeat(90));
    check_file(path, &tests, &[]);
    check_file("crates/audit/tests/long.rs", &lines(401), &[]);
}

#[test]
fn a_file_opens_with_what_it_is() {
    for text in ["use std::fmt;\n", "", "//! short\n", "// What this is, said wrongly.\n"] {
        let fault = "crates/audit/tests/x.rs:1: does not open by saying what this file is";
        check_file("crates/audit/tests/x.rs", text, &[fault]);
    }
}

#[test]
fn a_name_says_what_is_in_it() {
    let text = "//! Something with a bad name.\n";
    check_file("crates/audit/src/log/mod.rs", text, &["crates/audit/src/log/mod.rs: named mod.rs"]);
    check_file(
        "crates/audit/src/utils.rs",
        text,
        &["crates/audit/src/utils.rs: \"utils\" says nothing about what is in it"],
    );
    check_file(
        "crates/audit/tests/common/x.rs",
        text,
        &["crates/audit/tests/common/x.rs: \"common\" says nothing about what is in it"],
    );
}

#[test]
fn no_text_names_a_place_on_one_machine() {
    let home = concat!("/", "home", "/ann/onedoor");
    check_file(
        "docs/README.md",
        &format!("# Start\n\nRun {home}.\n"),
        &[concat!("docs/README.md:3: holds \"/", "home", "/\"")],
    );
    // What a build leaves behind is no part of the project.
    check_file("target/debug/x.d", home, &[]);
    check_file("node_modules/x/index.js", home, &[]);
}

#[test]
fn what_proves_an_invariant_is_named_and_is_there() {
    let site = Site::new();
    site.write(
        "crates/audit/tests/a.rs",
        "//! What the log promises.\n#[test]\nfn it_holds() {}\n",
    );
    let faults = |rows: &str| {
        let heading = "# The house\n\n## What holds, and what proves it\n\n";
        let head = "| invariant | test |\n| --- | --- |\n";
        let other = "\n## What is elsewhere\n\n| a | `gone.rs` |\n";
        site.write("ARCHITECTURE.md", &format!("{heading}{head}{rows}{other}"));
        site.faults()
    };
    let sound = "| a | `audit/tests/a.rs`, `audit/tests/a.rs::it_holds` |\n\
                 | b | `cargo xtask prove audit`: [c](c.md) |\n| d | `crates/audit/src/lib.rs` |\n";
    assert_eq!(faults(sound), [""; 0]);
    let planted = "| a | `audit/tests/` |\n| b | `audit/tests/a.rs::it_hold`, `audit/tests/a.rs` |\n\
                   | `audit/tests/a.rs` | all of them |\n| d | `b.rs` |\n";
    assert_eq!(
        faults(planted),
        [
            "ARCHITECTURE.md:7: there is no audit/tests/",
            "ARCHITECTURE.md:8: there is no audit/tests/a.rs::it_hold",
            "ARCHITECTURE.md:9: names nothing that proves it",
            "ARCHITECTURE.md:10: there is no b.rs",
        ]
    );
    assert_eq!(
        faults(""),
        ["ARCHITECTURE.md: there are no invariants below \"## What holds, and what proves it\""]
    );
}
