//! The servers that the cases need, and the request that each of them sends.

use std::{
    fs::{self, Permissions},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testkit::{Authority, TlsClient};

use super::{
    case::{Case, Load, Proxy},
    client::{Client, Request},
    door::Home,
    nginx, peers,
    process::Server,
    state::State,
};

/// The servers of a run. They end with it.
#[derive(Debug)]
pub(super) struct Site {
    // In this order they are stopped: no proxy outlives its upstream.
    running: Vec<Running>,
    upstream: Server,
    folder: TempDir,
    /// Who made the certificate that servers show; none where no case is over TLS.
    authority: Option<Authority>,
    programs: Programs,
}

/// What is run.
#[derive(Debug)]
pub(super) struct Programs {
    /// The door that is measured.
    pub(super) door: PathBuf,
    /// This program, which makes the load at a fixed rate.
    pub(super) load: PathBuf,
}

#[derive(Debug)]
struct Running {
    proxy: Proxy,
    server: Server,
    /// Where it lives, if it is a door.
    home: Option<Home>,
}

impl Site {
    /// Starts the upstream, and what the cases measure.
    pub(super) fn start(programs: Programs, cases: &[Case]) -> Result<Self> {
        let folder = TempDir::with_prefix("onedoor-bench-").context("no temporary folder")?;
        let upstream = nginx::upstream(folder.path(), free_address()?)?;
        let is_secure = cases.iter().any(|it| it.load() != Load::Http);
        let authority = is_secure.then(authority).transpose()?;
        let mut site = Self { running: Vec::new(), upstream, folder, authority, programs };
        for case in cases {
            if !site.running.iter().any(|it| it.proxy == case.proxy()) {
                let running = site.begin(case.proxy())?;
                site.running.push(running);
            }
        }
        Ok(site)
    }

    fn begin(&self, proxy: Proxy) -> Result<Running> {
        let (folder, address, upstream) = (self.folder(), free_address()?, self.upstream.address);
        let door = |home: Home| anyhow::Ok((home.serve(address)?, Some(home)));
        let (server, home) = match proxy {
            Proxy::Nginx => (nginx::proxy(folder, address, upstream)?, None),
            Proxy::NginxTls => {
                (nginx::proxy_tls(folder, address, upstream, self.authority()?)?, None)
            }
            Proxy::Haproxy => (peers::haproxy(folder, address, upstream)?, None),
            Proxy::Envoy => (peers::envoy(folder, address, upstream)?, None),
            Proxy::Door(state) => self.home(state, "").and_then(door)?,
            Proxy::DoorTls => self.home(State::Plain, &self.door_tls()?).and_then(door)?,
        };
        Ok(Running { proxy, server, home })
    }

    /// A new place for a door to live in, over the upstream.
    pub(super) fn home(&self, state: State, config: &str) -> Result<Home> {
        let folder = TempDir::with_prefix_in("door-", self.folder.path())?.keep();
        Home::make(&self.programs.door, folder, (state, self.upstream.address), config)
    }

    fn door_tls(&self) -> Result<String> {
        let authority = self.authority()?;
        let [certificate, key] =
            ["door.pem", "door.key"].map(|it| authority.path(it).display().to_string());
        Ok(format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"))
    }

    fn authority(&self) -> Result<&Authority> {
        self.authority.as_ref().context("no certificate was made for this case")
    }

    /// Ends what is measured, and fails where something does not end by itself when asked.
    pub(super) fn end(mut self) -> Result<()> {
        self.running.drain(..).try_for_each(|it| it.server.end())
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server that a case measures.
    pub(super) fn server(&self, case: Case) -> Result<&Server> {
        self.running(case).map(|it| &it.server)
    }

    fn running(&self, case: Case) -> Result<&Running> {
        let running = self.running.iter().find(|it| it.proxy == case.proxy());
        running.with_context(|| format!("{}: its server was not started", case.name()))
    }

    /// The request that a case sends, over and over.
    pub(super) fn request(&self, case: Case) -> Result<Request> {
        let running = self.running(case)?;
        let Some(home) = &running.home else {
            return Ok(match case {
                Case::Haproxy | Case::Envoy => peers::request(),
                _ => Request::get("/orders/42", &[]),
            });
        };
        match case {
            Case::Mcp => Ok(home.mcp_request()),
            Case::Token => home.token_request(running.server.address),
            Case::Issue => Ok(home.issue_request()),
            _ => Ok(home.rest_request()),
        }
    }

    /// Sends the request once, and fails where the answer is not what it is measured for.
    pub(super) fn check(&self, case: Case) -> Result<()> {
        let mark = if case == Case::Issue { "access_token" } else { nginx::MARK };
        let request = self.request(case)?;
        let (status, text) = match case.load() {
            Load::Http => {
                let mut client = Client::connect(self.server(case)?.address)?;
                let (status, body) = client.exchange(request.bytes())?;
                (status, String::from_utf8_lossy(&body).into_owned())
            }
            Load::Https => self.exchange_secure(case, &request, ("http/1.1", "HTTP/1.1"))?,
            Load::Http2 => self.exchange_secure(case, &request, ("h2", "HTTP/2.0"))?,
        };
        ensure!(
            status == 200 && text.contains(mark),
            "{}: expected 200 with {mark}, got {status}: {text}",
            case.name()
        );
        Ok(())
    }

    /// Sends a request without a body over TLS: the status, and what the answer says. Fails where another
    /// version of HTTP is spoken.
    fn exchange_secure(
        &self,
        case: Case,
        request: &Request,
        (protocol, version): (&str, &str),
    ) -> Result<(u16, String)> {
        let client = TlsClient::new(self.authority()?, &[protocol], None);
        let address = self.server(case)?.address;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connection = client.connect(address).await?;
            let spoken = format!("{:?}", connection.version());
            ensure!(spoken == version, "{}: speaks {spoken}, not {version}", case.name());
            let answer = connection.get(request.path(), &request.headers()).await?;
            Ok((answer.status.as_u16(), answer.text()))
        })
    }

    /// Removes what was recorded, but for what is still written to: a long run would fill the disk.
    pub(super) fn tidy_up(&self) -> Result<()> {
        self.running.iter().try_for_each(|it| match &it.home {
            Some(home) => remove_segments(&home.records()),
            None => it.server.forget(),
        })
    }
}

/// Removes the segments that are not written to any more.
fn remove_segments(folder: &Path) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("no records in {}", folder.display()))?;
    let paths = entries.map(|it| Ok(it?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let is_segment = |it: &PathBuf| it.file_stem().is_some_and(|it| it.len() == 20);
    let mut segments: Vec<_> = paths.into_iter().filter(is_segment).collect();
    segments.sort();
    segments.pop();
    segments.iter().try_for_each(fs::remove_file)?;
    Ok(())
}

/// An authority that has made a certificate for the servers: `door.pem`.
fn authority() -> Result<Authority> {
    let authority = Authority::new();
    authority.issue("door", "/CN=localhost", "DNS:localhost,IP:127.0.0.1");
    fs::set_permissions(authority.path("door.key"), Permissions::from_mode(0o600))?;
    Ok(authority)
}

/// An address on loopback that nobody listens on just now.
pub(super) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
