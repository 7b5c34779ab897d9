//! Proofs of single records: of what was changed and refused in a period, and of those that were chosen.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::{Table, text};

/// So many records are proven in a pack.
const RECORDS_MAX: usize = 1000;

/// Records that are to be proven, and what became of that.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// What the table tells of each record, by its number.
    wanted: BTreeMap<u64, [String; 5]>,
    /// How many there was no room for.
    pub(super) left_out: u64,
    /// The proofs that there are.
    proofs: BTreeMap<u64, String>,
}

impl Proofs {
    /// Those of records that somebody chose.
    pub(super) fn of(records: &[u64]) -> Self {
        let chosen = records.iter().map(|it| (*it, <[String; 5]>::default()));
        Self { wanted: chosen.collect(), ..Self::default() }
    }

    /// Takes a record as well, while there is room.
    pub(super) fn add(&mut self, record: &Value) {
        let Some(number) = record.get("seq").and_then(Value::as_u64) else { return };
        if self.wanted.len() >= RECORDS_MAX && !self.wanted.contains_key(&number) {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let first = |names: [&str; 2]| {
            let texts = names.map(|it| text(record, it));
            texts.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
        };
        let what = first(["operation", "path"]);
        let who = first(["user", "client"]);
        let row =
            [text(record, "time"), what, who, text(record, "decision"), text(record, "reason")];
        self.wanted.insert(number, row);
    }

    pub(super) fn records(&self) -> Vec<u64> {
        self.wanted.keys().copied().collect()
    }

    /// Takes what the door answered.
    pub(super) fn answered(&mut self, answer: &Value) {
        let items = answer.get("items").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            if let Some(number) = item.get("record").and_then(Value::as_u64) {
                self.proofs.insert(number, text(item, "proof"));
            }
        }
    }

    /// How many could not be proven.
    pub(super) fn missing(&self) -> usize {
        self.wanted.len().saturating_sub(self.proofs.len())
    }

    pub(super) fn table(&self) -> Table {
        let row = |(number, of): (&u64, &[String; 5])| {
            let file = self.proofs.get(number).map(|_| file(*number)).unwrap_or_default();
            [number.to_string()].into_iter().chain(of.iter().cloned()).chain([file]).collect()
        };
        Table {
            name: "proofs",
            title: "Proofs of records",
            about: "Records of changes and refusals, and those that were asked for. The file of each proves that the record is in the log: onedoor audit verify-proof FILE --key audit.pub checks it and shows the record.",
            columns: &["record", "time", "what", "who", "decision", "reason", "file"],
            rows: self.wanted.iter().map(row).collect(),
        }
    }

    /// The files with their names.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, &String)> {
        self.proofs.iter().map(|(number, proof)| (file(*number), proof))
    }
}

fn file(number: u64) -> String {
    format!("proofs/{number}.tlog-proof")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_more_records_are_proven_than_there_is_room_for_and_the_rest_is_counted() {
        let mut proofs = Proofs::of(&[5, 7]);
        for number in 0..1500_u64 {
            proofs.add(&json!({"seq": number, "operation": "orders.put", "client": "shop"}));
        }
        assert_eq!(proofs.records().len(), RECORDS_MAX);
        assert_eq!(proofs.left_out, 1500 - u64::try_from(RECORDS_MAX).unwrap());
        proofs.answered(&json!({"items": [{"record": 7, "proof": "p"}], "missing": [5]}));
        assert_eq!(proofs.missing(), RECORDS_MAX - 1);
        let rows = proofs.table().rows;
        assert_eq!(rows[7], ["7", "", "orders.put", "shop", "", "", "proofs/7.tlog-proof"]);
        assert_eq!(rows[5].last().map(String::as_str), Some(""));
        let files: Vec<_> = proofs.files().collect();
        assert_eq!(files, [("proofs/7.tlog-proof".to_owned(), &"p".to_owned())]);
    }
}
