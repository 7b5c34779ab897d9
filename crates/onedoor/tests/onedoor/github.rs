//! GitHub's whole description: about 1,200 operations, 13 MB. `cargo xtask test` fetches it.

use std::{fs, path::Path, time::Duration};

use model::Clock;
use serde_json::{Value, json};
use testkit::Recorder;
use tokio::time::interval;

use crate::{
    binary::command,
    documents::{check_tools, client, import, operations, serve},
};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../node_modules/@octokit/openapi/generated/api.github.com.json"
);

const MEMORY_BYTES_MAX: u64 = 500_000_000;

/// The one operation that is left out: whoever calls `compare/{basehead}` meets it.
const LEFT_OUT: &str = "/paths/~1repos~1{owner}~1{repo}~1compare~1{base}...{head}/get";

const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

#[tokio::test]
async fn an_import_of_github_takes_less_than_500_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let size = text().len() as u64;
    let out = fs::File::create(folder.path().join("out")).unwrap();
    let usual = ["--collection", "github", "--upstream", "http://127.0.0.1:9"];
    let mut command = command(folder.path(), &[&["import", FILE], &usual[..]].concat());
    let clock = Clock::system();
    let mut child = command.stdout(out).spawn().unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let (mut peak, mut tick) = (0, interval(Duration::from_millis(1)));
    let status = loop {
        // The system keeps the peak as long as the process lives.
        peak = peak_bytes(Path::new(&status_file)).unwrap_or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        tick.tick().await;
    };
    let seconds = clock.elapsed().as_secs_f32();
    assert!(status.success());
    println!("import of GitHub: {seconds:.1} s, {:.0} MB at most", peak as f64 / 1e6);
    assert!(peak > size, "a peak of {peak} bytes cannot be: the document alone has {size}");
    assert!(peak < MEMORY_BYTES_MAX, "{peak} bytes");
}

#[tokio::test]
async fn every_operation_of_github_is_listed_and_called_by_both_surfaces() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Recorder::start().await;
    let key = client(folder.path());
    let ran = import(folder.path(), Path::new(FILE), "github", &upstream.url());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(ran.out.matches("left out").count(), 1, "{}", ran.out);
    assert!(ran.out.contains(LEFT_OUT), "{}", ran.out);
    let published = operations(&ran.out);
    let document: Value = serde_json::from_str(&text()).unwrap();
    assert_eq!(published, count(&document) - 1);

    let door = serve(folder.path(), published);
    let visitor = door.client();
    let pages = visitor.list_tools(&key).await;
    assert!(pages.len() > 1, "all {published} on one page");
    check_tools(&pages.concat(), published);
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let view = visitor.send("GET", "/github/openapi.json", &headers, "").await;
    assert_eq!((view.status.as_u16(), count(&view.json())), (200, published));

    assert_eq!(upstream.take(), [], "a list asks no upstream");
    let target = "/repos/rust-lang/rust/issues?state=open&page=2";
    let answer = visitor.send("GET", &format!("/github{target}"), &headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let arguments = json!({"page": 2, "state": "open", "repo": "rust", "owner": "rust-lang"});
    let answer = visitor.call_tool(&key, "github_issues_list-for-repo", &arguments).await;
    assert_eq!(answer.json()["result"]["isError"], false, "{}", answer.text());
    let seen: Vec<_> = upstream.take().into_iter().map(|it| (it.method, it.target)).collect();
    assert_eq!(seen, vec![(http::Method::GET, target.to_owned()); 2]);
}

fn text() -> String {
    fs::read_to_string(FILE).unwrap_or_else(|error| panic!("{FILE}: {error}: run cargo xtask test"))
}

/// How many operations a document has.
fn count(document: &Value) -> usize {
    let paths = document["paths"].as_object().unwrap().values();
    let members = paths.flat_map(|it| it.as_object().unwrap().keys());
    members.filter(|it| METHODS.contains(&it.as_str())).count()
}

/// The most memory that the process held so far; none when it has ended.
fn peak_bytes(status: &Path) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}
