//! Says what of the collections' documents is not served as they describe it.

use std::collections::HashMap;

use contract::Warning;
use gateway::Snapshot;
use model::Collection;

use crate::terminal::counted;

/// Most warnings of one collection that the log tells; the rest is counted.
const TOLD_MAX: usize = 3;

/// Everything that could not be used, each with its document, where in that, and why.
pub(super) fn all(snapshot: &Snapshot) -> Vec<String> {
    let told = snapshot.warnings().flat_map(|(collection, warnings)| {
        warnings.iter().map(move |it| format!("{}: {}", collection.document_place, shown(it)))
    });
    told.collect()
}

/// Logs a line for each collection of which something cannot be used in `after`, unless that was so
/// in `before`: what goes on as it was is not told with every change.
pub(crate) fn tell_unused(before: &Snapshot, after: &Snapshot) {
    let known: HashMap<_, _> = before.warnings().map(|(it, warnings)| (&it.id, warnings)).collect();
    let news = after.warnings().filter(|(it, warnings)| known.get(&it.id) != Some(warnings));
    for (collection, warnings) in news {
        tracing::warn!(collection.id = %collection.id, "{}", line(collection, warnings));
    }
}

fn line(collection: &Collection, warnings: &[Warning]) -> String {
    let Collection { id, document_place, .. } = collection;
    let count = counted(warnings.len(), "part");
    let first: Vec<_> = warnings.iter().take(TOLD_MAX).map(shown).collect();
    let first = first.join("; ");
    let rest = match warnings.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        rest => format!("; and {rest} more"),
    };
    format!("of collection {id}, {count} of {document_place} cannot be used: {first}{rest}")
}

/// One line, whatever the document has for keys.
fn shown(warning: &Warning) -> String {
    let Warning { pointer, message } = warning;
    format!("{}: {message}", pointer.escape_debug())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use model::{CollectionId, Lifecycle, Place, Recording, Upstream};

    use super::*;

    #[test]
    fn the_log_tells_the_first_and_counts_the_rest() {
        let collection = Collection {
            id: CollectionId::parse("orders").unwrap(),
            title: None,
            owner: "team".to_owned(),
            state: Lifecycle::Published,
            base: "/orders".to_owned(),
            upstream: Upstream::new("http://127.0.0.1:9"),
            document: Arc::new(serde_json::Value::Null),
            document_place: Place::new(&"documents/orders.yaml".into(), 0),
            select: None,
            overrides: BTreeMap::new(),
            recording: Recording::default(),
            place: Place::default(),
        };
        let warning = |at: &str| Warning { pointer: format!("/paths/{at}"), message: "no".into() };
        let five = ["a", "b\n", "c", "d", "e"].map(warning);
        assert_eq!(
            line(&collection, &five),
            "of collection orders, 5 parts of documents/orders.yaml cannot be used: \
             /paths/a: no; /paths/b\\n: no; /paths/c: no; and 2 more"
        );
        let one = line(&collection, &[warning("a")]);
        assert!(one.ends_with("1 part of documents/orders.yaml cannot be used: /paths/a: no"));
    }
}
