//! nginx in two roles: the upstream of every case, and the plain proxy to compare with, also over TLS.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use testkit::Authority;

use super::process::{Server, on_core};
use crate::run;

/// Stands in every answer of the upstream.
pub(super) const MARK: &str = "bench-order-42";
/// What the upstream answers: about 200 bytes, as in the reference figures.
const ANSWER: &str = concat!(
    r#"{"id":42,"reference":"bench-order-42","customer":"c-1001","status":"shipped","#,
    r#""currency":"EUR","total":129.9,"lines":[{"sku":"A-100","quantity":2},"#,
    r#"{"sku":"B-205","quantity":1}],"created":"2026-11-23T09:30:00Z"}"#,
);

/// The upstream, on the core of the load.
pub(super) fn upstream(folder: &Path, address: SocketAddr) -> Result<Server> {
    let http = format!(
        "server {{
            listen {address};
            location /orders/ {{ default_type application/json; return 200 '{ANSWER}'; }}
        }}"
    );
    start("upstream", 1, folder, address, &http)
}

/// The plain proxy, on the core of the proxies.
pub(super) fn proxy(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> Result<Server> {
    let http = forward(&format!("listen {address};"), upstream);
    start("proxy", 0, folder, address, &http)
}

/// The same over TLS 1.3, by HTTP/2 or HTTP/1.1 as ALPN has it.
pub(super) fn proxy_tls(
    folder: &Path,
    address: SocketAddr,
    upstream: SocketAddr,
    authority: &Authority,
) -> Result<Server> {
    let [certificate, key] = ["door.pem", "door.key"].map(|it| authority.path(it));
    let listen = format!(
        "listen {address} ssl http2;
            ssl_certificate {};
            ssl_certificate_key {};
            ssl_protocols TLSv1.3;",
        certificate.display(),
        key.display()
    );
    start("proxy-tls", 0, folder, address, &forward(&listen, upstream))
}

/// A server that passes everything on.
fn forward(listen: &str, upstream: SocketAddr) -> String {
    format!(
        "upstream shop {{
            server {upstream};
            keepalive 64;
            keepalive_requests 1000000000;
            keepalive_timeout 300s;
        }}
        server {{
            {listen}
            location / {{
                proxy_pass http://shop;
                proxy_http_version 1.1;
                proxy_set_header Connection \"\";
            }}
        }}"
    )
}

fn start(
    name: &str,
    core: usize,
    folder: &Path,
    address: SocketAddr,
    http: &str,
) -> Result<Server> {
    let folder = folder.join(name);
    fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    // As root its worker would become another user, who may not enter our folder.
    let user = run::output(run::program("id", &folder).arg("-u"))?;
    let user = if user.trim() == "0" { "user root;" } else { "" };
    let shown = folder.display();
    let text = format!(
        "{user}
        daemon off;
        worker_processes 1;
        pid {shown}/pid;
        error_log stderr warn;
        events {{ worker_connections 4096; }}
        http {{
            access_log off;
            client_body_temp_path {shown}/body;
            proxy_temp_path {shown}/proxy;
            fastcgi_temp_path {shown}/fastcgi;
            uwsgi_temp_path {shown}/uwsgi;
            scgi_temp_path {shown}/scgi;
            keepalive_requests 1000000000;
            keepalive_timeout 300s;
            {http}
        }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text).with_context(|| file.display().to_string())?;
    let program = run::find("nginx").context("nginx is not installed")?;
    let mut command = on_core(core, &program);
    command.args(["-e", "stderr", "-c"]).arg(&file);
    Server::start(&mut command, address, &folder.join("log"))
}
