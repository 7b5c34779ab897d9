//! Elasticsearch and `OpenSearch`, by `_bulk`: each record is a document whose id is its hash.

use audit::{
    Shaped,
    ship::{Accepted, Failure, Line},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::{
    OpenError, Surroundings, declared,
    http::{Endpoint, again, behind, judge},
};

const NDJSON: &str = "application/x-ndjson";

/// Elasticsearch or `OpenSearch`.
#[derive(Debug)]
pub(crate) struct Elasticsearch(Endpoint);

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    create: Created,
}

#[derive(Deserialize)]
struct Created {
    status: u16,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type")]
    kind: String,
}

impl Elasticsearch {
    pub(crate) fn open(
        declared: declared::Elasticsearch,
        around: &Surroundings,
    ) -> Result<Self, OpenError> {
        let declared::Elasticsearch { url, index, secret, tls } = declared;
        let url = behind(&url, &format!("{index}/_bulk"));
        Endpoint::open(&url, secret, (&tls, around)).map(Self)
    }

    pub(crate) async fn send(&self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let mut body = Vec::new();
        for (line, shaped) in events {
            // Not "index", which would replace what is there already.
            let action = json!({"create": {"_id": line.hash.to_string()}});
            body.extend(action.to_string().into_bytes());
            body.push(b'\n');
            body.extend_from_slice(&shaped.bytes);
            body.push(b'\n');
        }
        let answer = self.0.post(NDJSON, &[], body).await?;
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|_| again("its answer cannot be read"))?;
        let seqs: Vec<_> = events.iter().map(|it| it.0.seq).collect();
        accepted(&seqs, &answer.items)
    }
}

/// What became of each: up to the first that may be taken later.
fn accepted(seqs: &[u64], items: &[Item]) -> Result<Accepted, Failure> {
    if items.len() != seqs.len() {
        return Err(again("it does not answer for each record"));
    }
    let mut accepted = Accepted::default();
    for (seq, Item { create: Created { status, error } }) in seqs.iter().zip(items) {
        let kind = error.as_ref().map_or("no reason", |it| it.kind.as_str());
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match judge(status) {
            Ok(()) => {}
            // It has it already.
            Err(_) if status == StatusCode::CONFLICT => {}
            Err(Failure::Refused(why)) => accepted.refused.push((*seq, format!("{why}: {kind}"))),
            Err(Failure::Again(why)) if accepted.count == 0 => {
                return Err(again(format!("{why}: {kind}")));
            }
            Err(Failure::Again(_)) => break,
        }
        accepted.count = accepted.count.saturating_add(1);
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statuses: &[u16], want: Result<(usize, &[u64]), &str>) {
        let items: Vec<_> = statuses
            .iter()
            .map(|it| {
                let error = (*it > 299).then(|| Fault { kind: "mapper".to_owned() });
                Item { create: Created { status: *it, error } }
            })
            .collect();
        let seqs: Vec<_> = (10..).take(statuses.len()).collect();
        let got = accepted(&seqs, &items);
        match (got, want) {
            (Ok(got), Ok((count, refused))) => {
                let seqs: Vec<_> = got.refused.iter().map(|it| it.0).collect();
                assert_eq!((got.count, &seqs[..]), (count, refused), "{statuses:?}");
            }
            (Err(got), Err(want)) => assert_eq!(got, Failure::Again(want.to_owned())),
            other => panic!("{statuses:?}: {other:?}"),
        }
    }

    #[test]
    fn each_record_has_an_answer_of_its_own() {
        check(&[201, 201], Ok((2, &[])));
        check(&[201, 409, 201], Ok((3, &[])));
        check(&[201, 400, 201], Ok((3, &[11])));
        check(&[201, 429, 201], Ok((1, &[])));
        check(&[503, 201], Err("status 503: mapper"));
        check(&[400, 503], Ok((1, &[10])));
        assert!(accepted(&[1, 2], &[]).is_err());
    }
}
