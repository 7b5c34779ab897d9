//! Clients that describe themselves: the client's id is the URL of a document about it.

mod cache;

use std::sync::Arc;

use model::GrantType;
use serde_json::Value;
use url::Url;

pub(crate) use self::cache::Documents;
use self::cache::Known;
use super::{Client, Origin, bindings, unknown};
use crate::{
    Request, Server,
    authorize::admit,
    error::{Code, Denied},
    throttle::Effort,
};

const URL_BYTES_MAX: usize = 1_024;
const REDIRECTS_MAX: usize = 32;

/// The client whose id is this URL.
///
/// # Errors
/// `invalid_client` where the URL is none for that, no admission could let such a client in, or its
/// document is not to be had, or is none; `temporarily_unavailable` where it cannot be looked at now.
pub(super) async fn find(server: &Server, id: &str, request: &Request) -> Result<Client, Denied> {
    let url = check(id).map_err(|why| unknown().because(why))?;
    let host = url.host_str().unwrap_or_default();
    // Before anybody is asked: the door fetches nothing for who could not get in anyway.
    if !admit::could_admit_document(&server.tables(), host, request.at) {
        return Err(unknown().because("no admission lets in who has a document of that host"));
    }
    let metadata = document(server, (id, host), request).await?;
    let name = metadata.get("client_name").and_then(Value::as_str).unwrap_or(id).to_owned();
    Ok(Client {
        id: id.to_owned(),
        name,
        redirect_uris: texts(&metadata, "redirect_uris"),
        bindings: bindings(|it| metadata.get(it).and_then(Value::as_bool) == Some(true)),
        origin: Origin::Document { host: host.to_owned(), metadata },
    })
}

/// The document at `id`: one that is known, else one that is fetched now, by one request at a time.
async fn document(
    server: &Server,
    (id, host): (&str, &str),
    request: &Request,
) -> Result<Arc<Value>, Denied> {
    let (documents, now) = (&server.documents, request.at);
    let turn = documents.turn(id);
    let turn = match documents.known(id, now) {
        Known::Good(document) => return Ok(document),
        Known::Bad(why) => return Err(unknown().because(why)),
        Known::Old(document) => match turn.try_lock_owned() {
            Ok(turn) => turn,
            // Somebody looks already.
            Err(_) => return Ok(document),
        },
        Known::Nothing => turn.lock_owned().await,
    };
    let is_new = match documents.known(id, now) {
        // By whoever had the turn before.
        Known::Good(document) => return Ok(document),
        Known::Bad(why) => return Err(unknown().because(why)),
        Known::Old(_) => false,
        Known::Nothing => true,
    };
    let looked = match documents.place() {
        Some(_place) => {
            // To look again at what was good costs nobody's budget: it is seldom, for each document.
            if is_new {
                server.throttle.spend(Effort::Document { source: request.peer, host }, now)?;
            }
            Some(look(server, id).await)
        }
        // Who finds no place pays nothing.
        None => None,
    };
    let known = documents.keep(id, looked, server.clock.now());
    drop(turn);
    match known {
        Known::Good(document) | Known::Old(document) => Ok(document),
        Known::Bad(why) => Err(unknown().because(why)),
        Known::Nothing => {
            let detail = "too many documents of clients are looked at just now: try again";
            Err(Denied::new(Code::TemporarilyUnavailable, detail).after(1))
        }
    }
}

/// Looks at the document.
async fn look(server: &Server, id: &str) -> cache::Looked {
    let fetched = server.fetch.get(id).await;
    fetched.and_then(|it| Ok((read(id, &it.body)?, it.fresh_for)))
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

/// Whether a document names `grant`; one that names none is for codes (RFC 7591 section 2).
pub(super) fn names(document: &Value, grant: GrantType) -> bool {
    match document.get("grant_types").and_then(Value::as_array) {
        Some(grants) => grants.iter().any(|it| it == grant.parameter()),
        None => grant == GrantType::AuthorizationCode,
    }
}

/// Reads a document: it must name itself, and where people are sent back to where they are.
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
    let is_missing = redirects.is_empty() && names(&document, GrantType::AuthorizationCode);
    if is_missing || redirects.len() > REDIRECTS_MAX {
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
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        let on_device = format!(r#"{{"client_id":"{id}","grant_types":["{device}"]}}"#);
        assert!(read(id, good.as_bytes()).is_ok() && read(id, on_device.as_bytes()).is_ok());
        for bad in [
            "{}".to_owned(),
            "[]".to_owned(),
            good.replace(id, "https://app.example/other"),
            good.replace("https://app.example/cb\"", "\""),
            good.replace("https://app.example/cb", "javascript:alert(1)"),
            good.replace("https://app.example/cb", "http://evil.example/cb"),
            good.replace("redirect_uris", "redirects"),
            on_device.replace(device, "authorization_code"),
            good.replace('{', r#"{"client_secret":"x","#),
        ] {
            assert!(read(id, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
