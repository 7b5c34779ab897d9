//! Peers that govern calls, each in its own way: a key, what its caller may, a rate, a record in JSON.
//! None of them has its record on the disk, or in the kernel, before it answers.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{
    case::Proxy,
    client::Request,
    process::{Server, on_core},
};
use crate::{install, run};

/// As long as a key of the door.
const KEY: &str = "odk_ThePeersOfTheBenchAreShownThisKey000000000000000001";

/// The key by a look-up in a map, the rate by a stick table.
const HAPROXY: &str = r#"global
    nbthread 1
    maxconn 4096
    log stdout len 1024 format raw local0 info
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    http-reuse always
    log-format '{"time":%Ts.%ms,"peer":"%ci","caller":"%[var(txn.caller),json]","method":"%HM","path":"%HP","status":%ST,"bytes":%B,"ms":%Ta}'
frontend door
    bind 127.0.0.1:LISTEN_PORT
    http-request set-var(txn.caller) http_auth_bearer,map_str(KEYS_FILE)
    http-request deny deny_status 401 unless { var(txn.caller) -m found }
    http-request deny deny_status 403 unless { method GET } { path_beg /orders/ }
    http-request track-sc0 var(txn.caller) table rates
    http-request deny deny_status 429 if { sc0_http_req_rate(rates) gt 1000000 }
    default_backend shop
backend rates
    stick-table type string len 64 size 1k expire 10s store http_req_rate(1s)
backend shop
    server shop 127.0.0.1:SHOP_PORT
"#;

/// Filters of its own for the key, the role and the rate.
const ENVOY: &str = r#"static_resources:
  listeners:
  - name: door
    address: {socket_address: {address: 127.0.0.1, port_value: LISTEN_PORT}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: door
          codec_type: HTTP1
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/stdout
              log_format: {json_format: {time: "%START_TIME%", peer: "%DOWNSTREAM_REMOTE_ADDRESS%", caller: "%REQ(X-CALLER)%", method: "%REQ(:METHOD)%", path: "%REQ(:PATH)%", status: "%RESPONSE_CODE%", bytes: "%BYTES_SENT%", ms: "%DURATION%"}}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: shop}}]}
          http_filters:
          - name: key
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth
              credentials: [{key: CALLER_KEY, client: bench/default}]
              key_sources: [{header: authorization}]
              forwarding: {header: x-caller, hide_credentials: true}
          - name: role
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                policies:
                  reader:
                    permissions: [{and_rules: {rules: [{header: {name: ":method", string_match: {exact: GET}}}, {url_path: {path: {prefix: /orders/}}}]}}]
                    principals: [{header: {name: x-caller, string_match: {exact: bench/default}}}]
          - name: rate
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: rate
              token_bucket: {max_tokens: 1000000, tokens_per_fill: 1000000, fill_interval: 1s}
              filter_enabled: {default_value: {numerator: 100}}
              filter_enforced: {default_value: {numerator: 100}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: shop
    load_assignment:
      cluster_name: shop
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: SHOP_PORT}}}}]}]
"#;

/// A peer that is not measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LeftOut {
    pub(super) name: &'static str,
    pub(super) why: String,
}

/// Peers that the figures to compare with name, and that nobody installs by a package.
pub(super) fn out_of_reach() -> LeftOut {
    LeftOut { name: "agentgateway", why: "no package of it can be installed".to_owned() }
}

/// Installs what this server needs, where that is a peer.
pub(super) fn ensure(proxy: Proxy) -> Result<()> {
    match proxy {
        Proxy::Haproxy => install::debian("haproxy", "haproxy"),
        Proxy::Envoy => install::envoy().map(drop),
        Proxy::Nginx | Proxy::NginxTls | Proxy::Door(_) | Proxy::DoorTls => Ok(()),
    }
}

/// What both are asked.
pub(super) fn request() -> Request {
    Request::get("/orders/42", &[("authorization", &format!("Bearer {KEY}"))])
}

/// HAProxy, on the core of the proxies.
pub(super) fn haproxy(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> Result<Server> {
    let keys = folder.join("haproxy.keys");
    fs::write(&keys, format!("{KEY} bench/default\n"))
        .with_context(|| keys.display().to_string())?;
    let text = HAPROXY.replace("KEYS_FILE", &keys.display().to_string());
    let file = write(folder.join("haproxy.cfg"), &text, (address, upstream))?;
    let program = run::find("haproxy").context("haproxy is not installed")?;
    let mut command = on_core(0, &program);
    command.arg("-f").arg(file);
    Server::start(&mut command, address, &folder.join("haproxy.log"))
}

/// Envoy with one worker, on the core of the proxies.
pub(super) fn envoy(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> Result<Server> {
    let text = ENVOY.replace("CALLER_KEY", KEY);
    let file = write(folder.join("envoy.yaml"), &text, (address, upstream))?;
    let mut command = on_core(0, &install::envoy()?);
    command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c"]);
    Server::start(command.arg(file), address, &folder.join("envoy.log"))
}

/// Writes a configuration with the ports filled in.
fn write(
    file: PathBuf,
    text: &str,
    (address, upstream): (SocketAddr, SocketAddr),
) -> Result<PathBuf> {
    let text = text.replace("LISTEN_PORT", &address.port().to_string());
    let text = text.replace("SHOP_PORT", &upstream.port().to_string());
    fs::write(&file, text).with_context(|| file.display().to_string())?;
    Ok(file)
}
