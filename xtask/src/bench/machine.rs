//! What the figures were measured on.

use std::{fs, path::Path, thread};

use anyhow::Result;
use serde::Serialize;

use crate::run;

/// The shape of a machine.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_mib: u64,
    pub(super) kernel: String,
    /// How many tasks wanted to run before we began, over the last minute.
    pub(super) load_before: f32,
}

impl Machine {
    pub(super) fn read() -> Result<Self> {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|it| it.starts_with(name)).map(str::to_owned);
            let value = line.and_then(|it| it.split_once(':').map(|it| it.1.trim().to_owned()));
            value.unwrap_or_else(|| String::from("unknown"))
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|it| it.parse().ok());
        Ok(Self {
            load_before: load.unwrap_or(0.0),
            cores: thread::available_parallelism()?.get(),
            processor: field("/proc/cpuinfo", "model name"),
            memory_mib: kib / 1024,
            kernel: run::output(run::program("uname", Path::new("/")).arg("-r"))?.trim().to_owned(),
        })
    }
}
