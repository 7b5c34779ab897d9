//! A small shop as a real HTTP server on its own loopback port: something to put the door in front of.

mod answer;
mod shop;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    answer::{Answer, Events, json, problem},
    shop::Shop,
};

/// The shop's own description, as it serves it at `/openapi.json`.
pub(crate) const DOCUMENT: &str = include_str!("sample_api/openapi.json");

const BODY_BYTES_MAX: usize = 64 << 10;
const CONNECTIONS_MAX: usize = 256;

/// A running shop. It ends when this is dropped.
pub(crate) struct SampleApi {
    address: SocketAddr,
    stop: CancellationToken,
}

impl SampleApi {
    /// Opens the shop on a free loopback port.
    ///
    /// # Errors
    /// What the network says.
    pub(crate) async fn start(tasks: &TaskTracker) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(accept(
            listener,
            tasks.clone(),
            stop.clone(),
        )));
        Ok(Self { address, stop })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for SampleApi {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
    let shop = Arc::new(Shop::new());
    let seats = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Most likely no file handle is left; the next try must not come at once.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let served = serve(stream, Arc::clone(&shop));
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            served.await;
            drop(seat);
        }));
    }
}

async fn serve(stream: TcpStream, shop: Arc<Shop>) {
    let service = service_fn(move |request| {
        let shop = Arc::clone(&shop);
        async move { Ok::<_, std::convert::Infallible>(answer(&shop, request).await) }
    });
    // A client that breaks off is its own affair.
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(served);
}

async fn answer(shop: &Shop, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return problem(StatusCode::BAD_REQUEST, "the body is broken or too large");
    };
    let query = Query(head.uri.query().unwrap_or_default());
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    match (&head.method, path.as_slice()) {
        (&Method::GET, ["openapi.json"]) => {
            answer::with_type("application/json", Bytes::from_static(DOCUMENT.as_bytes()))
        }
        (&Method::GET, ["slow"]) => {
            let seconds = query.number("seconds").unwrap_or(5).min(30);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            json(StatusCode::OK, &serde_json::json!({ "waited_seconds": seconds }))
        }
        (&Method::GET, ["fail"]) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "this operation fails, always")
        }
        (&Method::GET, ["stream"]) => {
            let pause = Duration::from_millis(query.number("pause_ms").unwrap_or(200).min(5000));
            answer::stream(Events::new(shop.orders(&Query("")), pause))
        }
        (method, ["orders" | "customers", ..]) => {
            shop.answer(method, &path, &query, &body.to_bytes())
        }
        _ => problem(StatusCode::NOT_FOUND, "there is nothing here"),
    }
}

/// The text behind the question mark. Enough for numbers and words.
struct Query<'a>(&'a str);

impl Query<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.split('&').filter_map(|it| it.split_once('=')).find(|it| it.0 == name).map(|it| it.1)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use serde_json::Value;

    use super::*;
    use crate::demo::visitor::exchange;

    fn request(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
        let request = Request::builder().method(method).uri(path).header("host", "shop");
        request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
    }

    #[tokio::test]
    async fn the_shop_does_what_its_document_says() {
        let shop = SampleApi::start(&TaskTracker::new()).await.unwrap();
        let (_, document) =
            exchange(shop.address, request("GET", "/openapi.json", "")).await.unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let items = paths
            .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)));
        let operations = items.filter(|(_, (_, it))| it.get("operationId").is_some());
        let mut count = 0;
        for (path, (method, operation)) in operations {
            let path = path.replace("{order_id}", "1003").replace("{customer_id}", "1");
            let (query, body) = match (path.as_str(), method.as_str()) {
                ("/slow", _) => ("?seconds=0", ""),
                ("/stream", _) => ("?pause_ms=0", ""),
                (_, "post") => ("", r#"{"customer_id":1,"items":[{"name":"a","quantity":1}]}"#),
                (_, "patch") => ("", r#"{"status":"paid"}"#),
                _ => ("", ""),
            };
            let asked = request(&method.to_uppercase(), &format!("{path}{query}"), body);
            let (status, _) = exchange(shop.address, asked).await.unwrap();
            assert!(
                operation["responses"].get(status.as_str()).is_some(),
                "{method} {path}: {status}"
            );
            count += 1;
        }
        assert_eq!(count, 10);
    }

    #[tokio::test]
    async fn a_change_is_kept_and_a_bad_one_is_refused() {
        let shop = SampleApi::start(&TaskTracker::new()).await.unwrap();
        let ask = |method, path, body| exchange(shop.address, request(method, path, body));
        let (status, _) = ask("PATCH", "/orders/1003", r#"{"note":"by hand"}"#).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(ask("GET", "/orders/1003", "").await.unwrap().1["note"], "by hand");
        let (status, problem) = ask("POST", "/orders", r#"{"customer":1}"#).await.unwrap();
        assert_eq!((status, problem["status"].clone()), (StatusCode::BAD_REQUEST, 400.into()));
        assert_eq!(ask("DELETE", "/orders/1003", "").await.unwrap().1, Value::Null);
        assert_eq!(ask("GET", "/orders/1003", "").await.unwrap().0, StatusCode::NOT_FOUND);
        assert_eq!(ask("GET", "/orders?status=lost", "").await.unwrap().1, serde_json::json!([]));
        assert_eq!(ask("GET", "/../etc", "").await.unwrap().0, StatusCode::NOT_FOUND);
    }
}
