//! Finds records in the audit log, newest first.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use admin::RecordQuery;
use model::Timestamp;
use serde_json::Value;

/// How far back one question looks.
const BYTES_MAX: u64 = 64 << 20;
/// How much is read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Where records can be read again: the folder of the log.
#[derive(Debug, Clone)]
pub(crate) struct Records(pub(crate) PathBuf);

impl Records {
    /// The records that fit, newest first, and whether there may be more. Intents and what the log
    /// says of itself are left out: each call has an outcome.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn find(&self, query: &RecordQuery) -> io::Result<(Vec<Value>, bool)> {
        let mut found = Vec::new();
        let mut room = BYTES_MAX;
        for segment in segments(&self.0)?.into_iter().rev() {
            let mut lines = Backwards::open(&segment, room)?;
            match collect(&mut lines, query, &mut found)? {
                Looked::ToTheEnd => {}
                Looked::Enough { has_more } => return Ok((found, has_more)),
            }
            if lines.is_bounded {
                return Ok((found, true));
            }
            room = room.saturating_sub(segment.metadata()?.len());
        }
        Ok((found, false))
    }
}

/// How a look at a segment ended.
enum Looked {
    ToTheEnd,
    Enough { has_more: bool },
}

fn collect(
    lines: &mut Backwards,
    query: &RecordQuery,
    found: &mut Vec<Value>,
) -> io::Result<Looked> {
    while let Some(line) = lines.next_line()? {
        // A line that is being written, or was cut by a crash, is no record.
        let Ok(record) = serde_json::from_slice::<Value>(&line) else { continue };
        let is_before = is_before(&record, query.since);
        // A call's time is when it arrived, and it may have been long. What the log says of itself has the
        // time at which it was written: all before it is older.
        if is_before && record.get("kind").is_some_and(|it| it == "log") {
            return Ok(Looked::Enough { has_more: false });
        }
        if is_before || !fits(&record, query) {
            continue;
        }
        if found.len() == query.max {
            return Ok(Looked::Enough { has_more: true });
        }
        found.push(record);
    }
    Ok(Looked::ToTheEnd)
}

/// The files of the log, which are named so that their order is that of their names.
fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().as_encoded_bytes();
        let is_segment =
            path.extension().is_some_and(|it| it == "jsonl") && name.iter().all(u8::is_ascii_digit);
        segments.extend(is_segment.then_some(path));
    }
    segments.sort();
    Ok(segments)
}

fn is_before(record: &Value, since: Option<Timestamp>) -> bool {
    since.is_some_and(|since| time(record).is_some_and(|it| it < since))
}

fn time(record: &Value) -> Option<Timestamp> {
    Timestamp::parse(record.get("time")?.as_str()?).ok()
}

fn fits(record: &Value, query: &RecordQuery) -> bool {
    let RecordQuery { client, operation, decision, request_id, since: _, until, max: _ } = query;
    let has = |name: &str, wanted: &Option<String>| {
        let value = record.get(name).and_then(Value::as_str);
        wanted.as_deref().is_none_or(|it| value == Some(it))
    };
    let kind = record.get("kind").and_then(Value::as_str);
    kind.is_some_and(|it| it != "intent" && it != "log")
        && has("client", client)
        && has("operation", operation)
        && has("decision", decision)
        && has("id", request_id)
        && until.is_none_or(|until| time(record).is_some_and(|it| it < until))
}

/// Lines of a file from its end.
struct Backwards {
    file: File,
    /// Where what was read begins.
    start: u64,
    /// Where the looking ends.
    end: u64,
    /// What was read and not given yet.
    rest: Vec<u8>,
    /// Whether there is more that is not looked at.
    is_bounded: bool,
}

impl Backwards {
    /// Looks no further back than `bytes`.
    fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let start = file.metadata()?.len();
        let end = start.saturating_sub(bytes);
        Ok(Self { file, start, end, rest: Vec::new(), is_bounded: end > 0 })
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let body = self.rest.strip_suffix(b"\n").map_or(self.rest.len(), <[u8]>::len);
            let newline =
                self.rest.get(..body).and_then(|it| it.iter().rposition(|it| *it == b'\n'));
            if let Some(newline) = newline {
                return Ok(Some(self.rest.split_off(newline.saturating_add(1))));
            }
            if self.start == self.end {
                // What is left began before the bound, or is the first line.
                let line = std::mem::take(&mut self.rest);
                return Ok(Some(line).filter(|it| !it.is_empty() && !self.is_bounded));
            }
            self.read_piece()?;
        }
    }

    fn read_piece(&mut self) -> io::Result<()> {
        let from = self.start.saturating_sub(PIECE_BYTES).max(self.end);
        let length = usize::try_from(self.start.saturating_sub(from)).unwrap_or(0);
        let mut piece = vec![0; length];
        self.file.seek(SeekFrom::Start(from))?;
        self.file.read_exact(&mut piece)?;
        piece.append(&mut self.rest);
        (self.rest, self.start) = (piece, from);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_call_hides_nobody_who_was_recorded_before_it() {
        let root = tempfile::tempdir().unwrap();
        let line = |kind: &str, id: &str, minute: u8| {
            format!(
                "{{\"kind\":\"{kind}\",\"id\":\"{id}\",\"time\":\"2026-11-25T10:{minute:02}:00Z\"}}\n"
            )
        };
        let text = [
            line("call", "older", 0),
            line("log", "header", 10),
            line("call", "wanted", 30),
            line("call", "long", 5),
            line("call", "newest", 40),
        ];
        fs::write(root.path().join("00000000000000000000.jsonl"), text.concat()).unwrap();
        let since = Some(Timestamp::parse("2026-11-25T10:20:00Z").unwrap());
        let query = RecordQuery { since, max: 10, ..RecordQuery::default() };
        let (found, has_more) = Records(root.path().to_owned()).find(&query).unwrap();
        let ids: Vec<_> = found.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!((ids, has_more), (vec!["newest", "wanted"], false));
    }

    #[test]
    fn records_are_found_from_the_newest_on() {
        let root = tempfile::tempdir().unwrap();
        let line = |number: usize| {
            let client = if number.is_multiple_of(3) { "shop" } else { "crm" };
            let filler = "x".repeat(700);
            format!(
                "{{\"kind\":\"call\",\"time\":\"2026-11-25T10:{:02}:{:02}Z\",\"id\":\"{number}\",\"client\":\"{client}\",\"note\":\"{filler}\"}}\n",
                number / 60 % 60,
                number % 60
            )
        };
        let write = |name: &str, text: String| fs::write(root.path().join(name), text).unwrap();
        write("00000000000000000000.jsonl", (0..1800).map(line).collect());
        let text: String = (1800..3600).map(line).collect();
        let intent = "{\"kind\":\"intent\",\"time\":\"2026-11-25T10:59:59Z\",\"client\":\"shop\"}";
        write("00000000000000001800.jsonl", format!("{text}{intent}\n{{\"time\":\"half"));
        write("checkpoints.jsonl", "\"x\"\n".to_owned());
        let records = Records(root.path().to_owned());
        let find = |query: RecordQuery| {
            let (found, has_more) = records.find(&query).unwrap();
            let ids = found.iter().map(|it| it["id"].as_str().unwrap().to_owned());
            (ids.collect::<Vec<_>>(), has_more)
        };
        let all = RecordQuery { max: 10_000, ..RecordQuery::default() };
        let (ids, has_more) = find(all.clone());
        let want: Vec<_> = (0..3600).rev().map(|it| it.to_string()).collect();
        assert_eq!((ids, has_more), (want, false));

        let shop =
            RecordQuery { client: Some("shop".to_owned()), max: 2, ..RecordQuery::default() };
        assert_eq!(find(shop), (vec!["3597".to_owned(), "3594".to_owned()], true));

        let time = |text| Some(Timestamp::parse(text).unwrap());
        let minute = RecordQuery {
            since: time("2026-11-25T10:05:00Z"),
            until: time("2026-11-25T10:05:02Z"),
            ..all
        };
        assert_eq!(find(minute), (vec!["301".to_owned(), "300".to_owned()], false));
    }
}
