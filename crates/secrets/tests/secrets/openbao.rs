//! A real `OpenBao` says the same. Not part of every run, as it needs the `bao` program.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use model::{Secret, SecretSource};
use secrets::{Fetch, Fetched, Pending};

use crate::sources::{CANARY, World, declared, id, resolver, variable};

struct Bao {
    child: Child,
    port: u16,
}

impl Bao {
    /// A server in memory with the token `root` and a version 2 engine at `secret`, once it answers.
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("bao")
            .args(["server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"])
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("install bao: {error}"));
        let bao = Self { child, port };
        while !bao.run(&["status"]) {
            std::thread::yield_now();
        }
        bao
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let ran = Command::new("bao")
            .args(arguments)
            .env("BAO_ADDR", format!("http://127.0.0.1:{}", self.port))
            .env("BAO_TOKEN", "root")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ran.unwrap().success()
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Plain;

impl Fetch for Plain {
    fn get<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'static str, Secret<String>)],
    ) -> Pending<'a, Result<Fetched, String>> {
        let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        let mut request = format!("GET /{path} HTTP/1.0\r\nhost: {authority}\r\n");
        for (name, value) in headers {
            request.push_str(&[name, ": ", value.expose(), "\r\n"].concat());
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = Secret::new(body.as_bytes().to_vec());
        Box::pin(async move { Ok(Fetched { status, body }) })
    }
}

#[tokio::test]
#[ignore = "needs the program bao (OpenBao) on PATH"]
async fn openbao_gives_rotates_and_takes_away_a_value() {
    let bao = Bao::start();
    let world = World::with(&[("ROOT", "root"), ("WRONG", "wrong")]);
    let (address, field) = (format!("http://127.0.0.1:{}", bao.port), "password".to_owned());
    let vault = |token: &str, path: &str| {
        let (address, field) = (address.clone(), field.clone());
        let (mount, path, token) = ("secret".to_owned(), path.to_owned(), id(token));
        declared("crm", SecretSource::Vault { address, mount, path, field, namespace: None, token })
    };
    let others = [declared("root", variable("ROOT")), declared("wrong", variable("WRONG"))];
    for value in [CANARY, "rotated"] {
        assert!(bao.run(&[
            "kv",
            "put",
            "-mount=secret",
            "team a/crm",
            &format!("password={value}")
        ]));
        let (resolver, _) = resolver(&world, Arc::new(Plain), None);
        let found = resolver.resolve(&vault("root", "team a/crm"), &others).await.unwrap();
        assert_eq!(found.value.expose(), value.as_bytes());
    }
    let (resolver, _) = resolver(&world, Arc::new(Plain), None);
    let error = |it: secrets::Error| it.to_string();
    let got = resolver.resolve(&vault("wrong", "team a/crm"), &others).await.map_err(error);
    assert!(got.unwrap_err().contains("(403)"));
    let got = resolver.resolve(&vault("root", "other"), &others).await.map_err(error);
    assert!(got.unwrap_err().contains("(404)"));
    assert!(bao.run(&["kv", "delete", "-mount=secret", "team a/crm"]));
    let got = resolver.resolve(&vault("root", "team a/crm"), &others).await.map_err(error);
    assert!(got.unwrap_err().contains("(404)"));
}
