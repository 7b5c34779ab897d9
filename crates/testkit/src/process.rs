//! A real server as a process, which can be killed and held up.

use std::{
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::Duration,
};

/// How often it is looked whether it listens, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(20), 500);

/// A process that ends with its owner.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `program`, and waits until it listens at all of these ports of this machine. `help` says
    /// how it is installed.
    pub(crate) fn start(program: &mut Command, ports: &[u16], help: &str) -> Self {
        let mut process = Self(program.spawn().expect(help));
        let (every, times) = LOOK;
        let listens = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_ok();
        for _ in 0..times {
            if ports.iter().all(listens) {
                return process;
            }
            pause(every);
        }
        panic!("{program:?} does not listen: {:?}", process.0.try_wait());
    }

    /// Stops it from doing anything for a while (SIGSTOP), and lets it go on.
    pub(crate) fn hold(&self, time: Duration) {
        let signal = |name: &str| {
            let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status();
            assert!(sent.unwrap().success(), "{name}");
        };
        signal("-STOP");
        pause(time);
        signal("-CONT");
    }
}

impl Drop for Process {
    /// Kills it (SIGKILL).
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Where `cargo xtask test` puts what it installs.
pub(crate) fn installed(path: &str) -> PathBuf {
    std::env::home_dir().expect("there is a home folder").join(".cache/onedoor").join(path)
}

#[expect(clippy::disallowed_methods, reason = "another process needs real time")]
fn pause(time: Duration) {
    thread::sleep(time);
}
