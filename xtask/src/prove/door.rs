//! A door under proof: the built program, made by `onedoor init` and started by `onedoor serve`.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use model::Clock;
use testkit::free_port;

use super::{client::Client, world};
use crate::run;

/// What ends a process that has no say in it.
const SIGKILL: i32 = 9;

/// How many lines of what a door said tell why something failed.
const LINES_SAID: usize = 5;
/// How long a door may take until it serves, and until it is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a door keeps what it has: a data folder, and a store in it or elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) program: PathBuf,
    pub(super) data: PathBuf,
    /// The URL of a PostgreSQL database; a SQLite file in the data folder where there is none.
    pub(super) store: Option<String>,
    /// More variables of the process.
    pub(super) environment: Vec<(String, String)>,
    /// Where it serves to everybody; port 0 is any.
    pub(super) listen: String,
    /// Its onedoor.toml, where it has one.
    pub(super) config: Option<PathBuf>,
}

/// Where a door can be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) management: SocketAddr,
}

impl Addresses {
    /// A client of its management.
    pub(super) fn client(self, key: &str) -> Client {
        Client::new(self.management, key)
    }

    /// A client of what it serves to everybody.
    pub(super) fn caller(self, key: &str) -> Client {
        Client::new(self.public, key)
    }
}

/// A running door.
#[derive(Debug)]
pub(super) struct Door {
    child: Child,
    pub(super) public: SocketAddr,
    pub(super) management: SocketAddr,
    pub(super) log: PathBuf,
    /// From the start of the process until it serves.
    pub(super) ready_after: Duration,
}

impl Home {
    pub(super) fn new(program: &Path, data: PathBuf) -> Self {
        Self {
            program: program.to_owned(),
            data,
            store: None,
            environment: Vec::new(),
            listen: "127.0.0.1:0".to_owned(),
            config: None,
        }
    }

    /// Makes the store. Gives back the first operator's key.
    pub(super) fn init(&self) -> Result<String> {
        self.put_pepper()?;
        let mut command = self.command();
        command.arg("init").arg("--data").arg(&self.data);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        let printed = run::output(&mut command)?;
        let key = printed.trim().to_owned();
        ensure!(!key.is_empty(), "onedoor init printed no key");
        Ok(key)
    }

    fn put_pepper(&self) -> Result<()> {
        let path = self.data.join("pepper");
        fs::create_dir_all(&self.data)?;
        fs::set_permissions(&self.data, fs::Permissions::from_mode(0o700))?;
        fs::write(&path, world::PEPPER)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// A copy with the same keys, below `data`.
    pub(super) fn copy(&self, data: PathBuf) -> Result<Self> {
        let copied =
            run::program("cp", Path::new("/")).arg("-a").arg(&self.data).arg(&data).status();
        ensure!(copied?.success(), "the data folder cannot be copied");
        Ok(Self { data, ..self.clone() })
    }

    /// Two doors over one store, each at an address of its own that it keeps when it is started anew; and
    /// the first operator's key.
    pub(super) fn pair(self) -> Result<([Self; 2], [Door; 2], String)> {
        let operator = self.init()?;
        let other = self.copy(self.data.with_file_name("other"))?;
        // Each replica has a log and a key of its own.
        fs::remove_dir_all(other.data.join("audit"))?;
        fs::remove_file(other.data.join("audit.key"))?;
        let mut homes = [self, other];
        for home in &mut homes {
            home.listen = format!("127.0.0.1:{}", free_port());
        }
        let [one, other] = &homes;
        let doors = [one.serve()?, other.serve()?];
        Ok((homes, doors, operator))
    }

    /// Starts the door and waits until both listeners are there.
    pub(super) fn serve(&self) -> Result<Door> {
        self.serve_unless_killed()?.context("onedoor was killed before it served")
    }

    /// The same for a door that may be killed before it serves: there is none then. That it does not
    /// serve for any other reason is a failure.
    pub(super) fn serve_unless_killed(&self) -> Result<Option<Door>> {
        let log = self.data.with_extension("log");
        let output = File::options().create(true).append(true).open(&log)?;
        let from = usize::try_from(output.metadata()?.len())?;
        let mut command = self.command();
        command.arg("serve").arg("--data").arg(&self.data);
        command.args(["--listen", &self.listen, "--management", "127.0.0.1:0"]);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.stdout(output.try_clone()?).stderr(output);
        let clock = Clock::system();
        let started = clock.elapsed();
        let mut child = command.spawn().context("onedoor cannot be started")?;
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let said = text.get(from..).unwrap_or_default();
            let found = (address(said, " serving http"), address(said, " management at http"));
            let ready_after = clock.elapsed().saturating_sub(started);
            if let (Some(public), Some(management)) = found {
                return Ok(Some(Door { child, public, management, log, ready_after }));
            }
            let ended = child.try_wait()?;
            if ended.is_some_and(|it| it.signal() == Some(SIGKILL)) {
                return Ok(None);
            }
            if ended.is_some() || ready_after > PATIENCE {
                drop(child.kill());
                drop(child.wait());
                bail!("onedoor does not serve; it said:\n{said}");
            }
            run::rest(Duration::from_millis(5));
        }
    }

    /// The program, with this home's variables and none of its user's.
    pub(super) fn command(&self) -> Command {
        let mut command = run::program(&self.program, Path::new("/"));
        command.env("ONEDOOR_CONFIG_HOME", self.data.with_extension("client"));
        command.env_remove("ONEDOOR_URL").env_remove("ONEDOOR_TOKEN");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        match &self.store {
            Some(url) => command.env("ONEDOOR_STORE", url),
            None => command.env_remove("ONEDOOR_STORE"),
        };
        command
    }
}

impl Door {
    /// Where it can be reached while it runs.
    pub(super) fn addresses(&self) -> Addresses {
        Addresses { public: self.public, management: self.management }
    }

    /// A client of its management.
    pub(super) fn client(&self, key: &str) -> Client {
        self.addresses().client(key)
    }

    /// A client of what it serves to everybody.
    pub(super) fn caller(&self, key: &str) -> Client {
        self.addresses().caller(key)
    }

    /// Ends it as a crash does (SIGKILL).
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether its process has ended.
    pub(super) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The last lines of what it said, to tell why something failed.
    pub(super) fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(LINES_SAID).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The number of its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its arguments, as every user of the machine can read them.
    pub(super) fn arguments(&self) -> Result<Vec<u8>> {
        Ok(fs::read(format!("/proc/{}/cmdline", self.child.id()))?)
    }

    /// Memory that is resident, in MiB: now, and at most so far.
    pub(super) fn resident_mib(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let number = |name: &str| {
            let line = status.lines().find_map(|it| it.strip_prefix(name));
            let number = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
            number.map(|it| it / 1024).with_context(|| format!("{name} has another form"))
        };
        Ok((number("VmRSS:")?, number("VmHWM:")?))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let asked = run::output(run::program("kill", Path::new("/")).args(["-TERM", &id]));
        let is_gone = asked.is_ok()
            && matches!(run::wait(&mut self.child, Duration::from_secs(10)), Ok(Some(_)));
        if !is_gone {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The address that the log tells in the line with these words.
fn address(log: &str, words: &str) -> Option<SocketAddr> {
    // A line may be half written.
    let line = log.split_inclusive('\n').find(|it| it.contains(words) && it.ends_with('\n'))?;
    let (_, address) = line.split_once("address=")?;
    address.split_whitespace().next()?.parse().ok()
}
