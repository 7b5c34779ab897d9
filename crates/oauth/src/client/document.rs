//! Clients that describe themselves: the client's id is the URL of a document about it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::Timestamp;
use serde_json::Value;
use url::Url;

use super::{Client, Origin, bindings, unknown};
use crate::{Server, error::Denied};

/// How long a document is believed before it is fetched again.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long it is remembered that one could not be had.
const FAILED: Duration = Duration::from_secs(30);
/// Most documents that are remembered.
const DOCUMENTS_MAX: usize = 1_000;
const URL_BYTES_MAX: usize = 1_024;
const REDIRECTS_MAX: usize = 32;

/// The documents that were fetched lately.
#[derive(Debug, Default)]
pub(crate) struct Documents(Mutex<BTreeMap<String, (Timestamp, Fetched)>>);

/// A document, or why there is none.
type Fetched = Result<Arc<Value>, String>;

impl Documents {
    fn known(&self, url: &str, now: Timestamp) -> Option<Fetched> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(url).filter(|(until, _)| *until > now).map(|(_, document)| document.clone())
    }

    fn keep(&self, url: &str, document: Fetched, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DOCUMENTS_MAX {
            known.retain(|_, (until, _)| *until > now);
        }
        if known.len() >= DOCUMENTS_MAX {
            known.pop_first();
        }
        let until = now.plus(if document.is_ok() { FRESH } else { FAILED });
        known.insert(url.to_owned(), (until, document));
    }
}

/// The client whose id is this URL.
///
/// # Errors
/// `invalid_client` where the URL is none for that, or its document is not to be had, or is none.
pub(super) async fn find(server: &Server, id: &str, now: Timestamp) -> Result<Client, Denied> {
    let url = check(id).map_err(|why| unknown().because(why))?;
    let document = match server.documents.known(id, now) {
        Some(known) => known,
        None => {
            let fetched = server.fetch.get(id).await;
            let read = fetched.and_then(|text| read(id, &text)).map(Arc::new);
            server.documents.keep(id, read.clone(), now);
            read
        }
    };
    let metadata = document.map_err(|why| unknown().because(why))?;
    let name = metadata.get("client_name").and_then(Value::as_str).unwrap_or(id).to_owned();
    Ok(Client {
        id: id.to_owned(),
        name,
        redirect_uris: texts(&metadata, "redirect_uris"),
        bindings: bindings(|it| metadata.get(it).and_then(Value::as_bool) == Some(true)),
        origin: Origin::Document { host: url.host_str().unwrap_or_default().to_owned(), metadata },
    })
}

/// A URL that can be a client's id: https, with a path, and spelled in one way only.
fn check(id: &str) -> Result<Url, &'static str> {
    if id.len() > URL_BYTES_MAX {
        return Err("its url is too long");
    }
    let url = Url::parse(id).map_err(|_| "it is no url")?;
    let is_whole = url.scheme() == "https"
        && url.host_str().is_some()
        && url.path() != "/"
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !id.contains("/.");
    match is_whole && url.as_str() == id {
        true => Ok(url),
        false => Err("its url is not https with a path, or is not in canonical form"),
    }
}

/// Reads a document: it must name itself, and where people are sent back to.
fn read(id: &str, text: &[u8]) -> Result<Value, String> {
    let document: Value =
        serde_json::from_slice(text).map_err(|_| "its document is no json".to_owned())?;
    if document.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err("its document names another client_id".to_owned());
    }
    if ["client_secret", "client_secret_expires_at"].iter().any(|it| document.get(it).is_some()) {
        return Err("its document has a secret in it".to_owned());
    }
    let redirects = texts(&document, "redirect_uris");
    if redirects.is_empty() || redirects.len() > REDIRECTS_MAX {
        return Err("its document has no redirect_uris, or too many".to_owned());
    }
    redirects.iter().try_for_each(|it| model::redirect::check(it))?;
    Ok(document)
}

fn texts(document: &Value, name: &str) -> Vec<String> {
    let list = document.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_that_is_a_url_is_spelled_in_one_way() {
        assert!(check("https://app.example/client.json").is_ok());
        for bad in [
            "https://app.example/",
            "https://app.example",
            "http://app.example/c",
            "https://app.example/c#x",
            "https://u@app.example/c",
            "https://app.example/a/../c",
            "https://app.example/./c",
            "https://APP.example/c",
            "https://app.example:443/c",
            "https:app.example/c",
            "https://app.example/c d",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_document_names_itself_and_has_no_secret() {
        let id = "https://app.example/c";
        let good = format!(r#"{{"client_id":"{id}","redirect_uris":["https://app.example/cb"]}}"#);
        assert!(read(id, good.as_bytes()).is_ok());
        for bad in [
            "{}".to_owned(),
            "[]".to_owned(),
            good.replace(id, "https://app.example/other"),
            good.replace("https://app.example/cb\"", "\""),
            good.replace("https://app.example/cb", "javascript:alert(1)"),
            good.replace("https://app.example/cb", "http://evil.example/cb"),
            good.replace("redirect_uris", "redirects"),
            good.replace('{', r#"{"client_secret":"x","#),
        ] {
            assert!(read(id, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
