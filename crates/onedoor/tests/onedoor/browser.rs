//! A browser without a screen: it keeps cookies, and fills in the forms of the pages that it is shown.

use std::{collections::BTreeMap, net::SocketAddr};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use testkit::{Answer, TlsClient};

/// A browser that knows one door, by TLS.
pub(crate) struct Browser {
    client: TlsClient,
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    pub(crate) page: String,
    /// Where the last answer sends it; empty where that is nowhere.
    pub(crate) location: String,
}

impl Browser {
    pub(crate) fn new(client: TlsClient, address: SocketAddr) -> Self {
        Self {
            client,
            address,
            cookies: BTreeMap::new(),
            page: String::new(),
            location: String::new(),
        }
    }

    pub(crate) async fn open(&mut self, target: &str) {
        self.ask(("GET", target), &[], String::new()).await;
    }

    /// Sends the form of the page whose action is `action`, with what a person filled in.
    pub(crate) async fn send(&mut self, action: &str, filled: &[(&str, &str)]) {
        let form = self.page.split("<form").find(|it| it.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {}", self.page)).to_owned();
        let hidden = |name: &str| {
            let start = format!("name=\"{name}\" value=\"");
            let value = form.split(&start).nth(1).and_then(|it| it.split('"').next());
            value.unwrap_or_default().to_owned()
        };
        let own = ["authorization", "csrf", "offer"].map(|it| (it, hidden(it)));
        let own = own.iter().map(|(name, value)| (*name, &**value));
        let encode = |it| utf8_percent_encode(it, NON_ALPHANUMERIC);
        let pairs =
            own.chain(filled.iter().copied()).map(|(a, b)| format!("{}={}", encode(a), encode(b)));
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask(("POST", action), &[kind], pairs.collect::<Vec<_>>().join("&")).await;
    }

    async fn ask(&mut self, (method, target): (&str, &str), more: &[(&str, &str)], body: String) {
        let cookies: Vec<_> = self.cookies.iter().map(|(a, b)| format!("{a}={b}")).collect();
        let cookies = cookies.join("; ");
        let headers = [more, &[("cookie", &*cookies)]].concat();
        let mut connection = self.client.connect(self.address).await.unwrap();
        let answer = connection.send(method, target, &headers, body).await.unwrap();
        self.take(&answer);
    }

    fn take(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        self.page = answer.text();
        answer.header("location").clone_into(&mut self.location);
    }
}
