//! The cases, the servers they need, and the request each of them sends.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{
    client::{Client, Request},
    door::Door,
    nginx,
    process::Server,
};

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// nginx as a plain proxy: no key, no rule, no record.
    Nginx,
    /// A REST call: key, roles, a rate and a quota, record.
    Rest,
    /// The same operation as a tool call of MCP.
    Mcp,
    /// The REST call with a token of the door's own instead of a key.
    Token,
    /// No call: a client with a secret gets a token.
    Issue,
}

impl Case {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Rest => "rest",
            Self::Mcp => "mcp",
            Self::Token => "token",
            Self::Issue => "issue",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Nginx => "bare nginx, proxying only",
            Self::Rest => "onedoor, REST with everything on",
            Self::Mcp => "onedoor, MCP tools/call with everything on",
            Self::Token => "onedoor, REST with a token that is known",
            Self::Issue => "onedoor, a token for a client's secret",
        }
    }

    pub(super) fn is_through_the_door(self) -> bool {
        match self {
            Self::Nginx => false,
            Self::Rest | Self::Mcp | Self::Token | Self::Issue => true,
        }
    }
}

/// The servers of a run. They end with it.
#[derive(Debug)]
pub(super) struct Site {
    // In this order they are stopped: no proxy outlives its upstream.
    door: Option<Door>,
    proxy: Server,
    _upstream: Server,
    folder: TempDir,
    /// The program that makes load at a fixed rate.
    load: PathBuf,
}

impl Site {
    /// Starts the upstream and nginx as a proxy, and the door where there is a program for it.
    pub(super) fn start(program: Option<&Path>, load: PathBuf) -> Result<Self> {
        let folder = TempDir::with_prefix("onedoor-bench-").context("no temporary folder")?;
        let upstream = nginx::upstream(folder.path(), free_address()?)?;
        let proxy = nginx::proxy(folder.path(), free_address()?, upstream.address)?;
        let start = |it| Door::start(it, folder.path(), free_address()?, upstream.address);
        let door = program.map(start).transpose()?;
        Ok(Self { door, proxy, _upstream: upstream, folder, load })
    }

    pub(super) fn load(&self) -> &Path {
        &self.load
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server that a case measures.
    pub(super) fn server(&self, case: Case) -> Result<&Server> {
        match case {
            Case::Nginx => Ok(&self.proxy),
            Case::Rest | Case::Mcp | Case::Token | Case::Issue => Ok(&self.door()?.server),
        }
    }

    /// The request that a case sends, over and over.
    pub(super) fn request(&self, case: Case) -> Result<Request> {
        match case {
            Case::Nginx => Ok(Request::get("/orders/42", &[])),
            Case::Rest => self.door().map(Door::rest_request),
            Case::Mcp => self.door().map(Door::mcp_request),
            Case::Token => self.door()?.token_request(),
            Case::Issue => self.door().map(Door::issue_request),
        }
    }

    /// Sends the request once, and fails where the answer is not what it is measured for.
    pub(super) fn check(&self, case: Case) -> Result<()> {
        let mark = if case == Case::Issue { "access_token" } else { nginx::MARK };
        let mut client = Client::connect(self.server(case)?.address)?;
        let (status, body) = client.exchange(self.request(case)?.bytes())?;
        let text = String::from_utf8_lossy(&body);
        ensure!(
            status == 200 && text.contains(mark),
            "{}: expected 200 with {mark}, got {status}: {text}",
            case.name()
        );
        Ok(())
    }

    /// Removes the segments that are not written to any more: a long run would fill the disk.
    pub(super) fn tidy_up(&self) -> Result<()> {
        let Some(door) = &self.door else { return Ok(()) };
        let folder = door.records();
        let entries =
            fs::read_dir(&folder).with_context(|| format!("no records in {}", folder.display()))?;
        let paths = entries.map(|it| Ok(it?.path())).collect::<std::io::Result<Vec<_>>>()?;
        let is_segment = |it: &PathBuf| it.file_stem().is_some_and(|it| it.len() == 20);
        let mut segments: Vec<_> = paths.into_iter().filter(is_segment).collect();
        segments.sort();
        segments.pop();
        segments.iter().try_for_each(fs::remove_file)?;
        Ok(())
    }

    fn door(&self) -> Result<&Door> {
        self.door.as_ref().context("the door was not started for this case")
    }
}

/// An address on loopback that nobody listens on just now.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
