//! Object storage that speaks S3: each batch is an object, whose name says which records it holds. None is
//! written over.

use std::{
    error::Error,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use audit::{
    Format, Hash, Shaped,
    ship::{Accepted, Failure, Line},
};
use flate2::{Compression, write::GzEncoder};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore as _, PutMode, PutOptions, PutPayload,
    RetryConfig,
    aws::AmazonS3Builder,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    },
    path::Path,
};
use upstream::{Egress, SecretSlots};

use crate::{
    OpenError, Surroundings, declared,
    http::{again, shown},
};

/// Longest wait for an object to be taken.
const PATIENCE: Duration = Duration::from_secs(60);
/// An answer says little.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Object storage that speaks S3.
#[derive(Debug)]
pub(crate) struct S3 {
    declared: declared::S3,
    egress: Egress,
    secrets: Arc<SecretSlots>,
}

/// The one way out, for the client of object storage.
#[derive(Debug, Clone)]
struct Outlet(Egress);

/// Why nothing was kept. No name of anything is in it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

impl S3 {
    pub(crate) fn open(declared: declared::S3, around: &Surroundings) -> Result<Self, OpenError> {
        let egress = around.egress(&declared.tls)?;
        egress.check(&declared.url).map_err(|_| OpenError::Url)?;
        Ok(Self { declared, egress, secrets: Arc::clone(&around.secrets) })
    }

    /// Puts one object, unless it is there. The same records have the same name whenever they come again,
    /// no others have it, and an object is there as a whole or not at all.
    pub(crate) async fn send(
        &self,
        (log, format): (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let (Some((first, _)), Some((last, _))) = (events.first(), events.last()) else {
            return Ok(Accepted::default());
        };
        let declared::S3 { url, bucket, region, prefix, secret, is_packed, .. } = &self.declared;
        let value = self.secrets.value(secret);
        let value = value.ok_or_else(|| again(format!("the secret {secret} has no value")))?;
        let keys = std::str::from_utf8(value.expose()).ok();
        let keys = keys.and_then(|it| it.trim_end().split_once(':'));
        let (key_id, key) = keys.ok_or_else(|| {
            again(format!("the secret {secret} is not ACCESS_KEY_ID:SECRET_ACCESS_KEY"))
        })?;
        // Made anew for each, with the keys of now. That costs nothing: it has no connections of its own.
        let store = AmazonS3Builder::new()
            .with_endpoint(url)
            .with_bucket_name(bucket)
            .with_region(region)
            .with_access_key_id(key_id)
            .with_secret_access_key(key)
            .with_http_connector(Outlet(self.egress.clone()))
            // What fails is tried again by the engine, and told.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .build()
            .map_err(|error| again(why(&error)))?;
        let name = name((first.seq, last.seq, last.hash), format, *is_packed);
        let folders = prefix.split('/').filter(|it| !it.is_empty());
        let path = Path::from_iter(folders.chain([log, &name]));
        let body = body(events, *is_packed).map_err(|it| again(it.to_string()))?;
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, content_type(format, *is_packed).into());
        let options = PutOptions { attributes, mode: PutMode::Create, ..PutOptions::default() };
        match store.put_opts(&path, PutPayload::from(body), options).await {
            // The hash in its name is of all these records: they are there.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {
                Ok(Accepted { count: events.len(), refused: Vec::new() })
            }
            Err(error) => Err(again(why(&error))),
        }
    }
}

/// What an object is called. Names sort as their records do. Numbers alone would not do: a log in place of
/// one that was set aside has its name, and counts from the beginning.
fn name((first, last, hash): (u64, u64, Hash), format: Format, is_packed: bool) -> String {
    let packed = if is_packed { ".gz" } else { "" };
    let extension = match format {
        Format::Cef => "cef",
        Format::Ecs | Format::Native | Format::Ocsf | Format::OcsfIntegrity => "jsonl",
    };
    let hash = hash.to_string();
    format!("{first:020}-{last:020}-{hash:.16}.{extension}{packed}")
}

fn content_type(format: Format, is_packed: bool) -> &'static str {
    match format {
        // Not an encoding, which clients would take off while the name still says it.
        _ if is_packed => "application/gzip",
        Format::Cef => "text/plain; charset=utf-8",
        Format::Ecs | Format::Native | Format::Ocsf | Format::OcsfIntegrity => {
            "application/x-ndjson"
        }
    }
}

/// A line for each event.
fn body(events: &[(&Line, Shaped)], is_packed: bool) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for (_, shaped) in events {
        text.extend_from_slice(&shaped.bytes);
        text.push(b'\n');
    }
    if !is_packed {
        return Ok(text);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&text)?;
    packed.finish()
}

/// What was told of a failure. What the client says of it may name where it is.
fn why(error: &object_store::Error) -> String {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = next {
        if let Some(Told(why)) = found.downcast_ref() {
            return why.clone();
        }
        next = found.source();
    }
    "its answer cannot be read".to_owned()
}

impl HttpConnector for Outlet {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Outlet {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let answer = self.0.send(request, ANSWER_BYTES_MAX, PATIENCE).await;
        let answer = answer.map_err(|error| told(shown(&error)))?;
        // That an object is there already is what the client asks for.
        if answer.status().is_success() || answer.status() == StatusCode::PRECONDITION_FAILED {
            return Ok(answer.map(Into::into));
        }
        let code = code(answer.body()).map(|it| format!(": {it}")).unwrap_or_default();
        // None is the fault of the records: 400 is a region or a token, too.
        Err(told(format!("status {}{code}", answer.status().as_u16())))
    }
}

fn told(why: String) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, Told(why))
}

/// The code of an error, such as `NoSuchBucket`. What stands beside it may name the key.
fn code(answer: &[u8]) -> Option<&str> {
    let (_, rest) = std::str::from_utf8(answer).ok()?.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code = code.len() <= 64 && code.bytes().all(|it| it.is_ascii_alphanumeric());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_their_records_do() {
        let hash = Hash::of_origin("onedoor-test");
        let names = [(9, 10), (10, 99), (11, 11), (100, 2_000)]
            .map(|(first, last)| name((first, last, hash), Format::Ocsf, true));
        assert!(names.is_sorted(), "{names:?}");
        let numbers = "00000000000000000009-00000000000000000010";
        let start: String = hash.to_string().chars().take(16).collect();
        assert_eq!(names[0], format!("{numbers}-{start}.jsonl.gz"));
        assert_eq!(name((1, 2, hash), Format::Cef, false).rsplit_once('.').unwrap().1, "cef");
    }

    #[test]
    fn of_an_error_nothing_but_its_code_is_told() {
        for (answer, want) in [
            ("<Error><Code>NoSuchBucket</Code><Key>a</Key></Error>", Some("NoSuchBucket")),
            ("<Error><Code>https://u:p@host</Code></Error>", None),
            ("<Code>", None),
            ("", None),
        ] {
            assert_eq!(code(answer.as_bytes()), want, "{answer}");
        }
    }
}
