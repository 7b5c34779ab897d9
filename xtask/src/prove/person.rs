//! A person with a browser, who does what a program asks.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::grounds::PERSON;
use crate::{install, run};

/// As the provider knows somebody of the group that is admitted.
const NAME: &str = "ann@staff";

/// The browser ends with this.
#[derive(Debug)]
pub(super) struct Person {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Person {
    pub(super) fn start() -> Result<Self> {
        let mut command = run::program(install::node()?, Path::new("."));
        command.arg(PERSON).arg(install::browser()?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("it has no input")?;
        let output = BufReader::new(child.stdout.take().context("it has no output")?);
        Ok(Self { child, input, output })
    }

    /// Signs in where that is asked, allows what `url` asks for, and ends below `back`. That address.
    pub(super) fn authorize(&mut self, url: &str, back: &str) -> Result<String> {
        let answer =
            self.ask(&json!({"open": url, "back": back, "name": NAME, "decision": "allow"}))?;
        let landed = answer.get("landed").and_then(Value::as_str);
        ensure!(landed.is_some(), "the browser: {answer}");
        Ok(landed.unwrap_or_default().to_owned())
    }

    /// Signs in where that is asked, and allows the device whose code is in `url`.
    pub(super) fn connect(&mut self, url: &str) -> Result<()> {
        let answer = self.ask(&json!({"device": url, "name": NAME, "decision": "allow"}))?;
        ensure!(answer.get("connected") == Some(&Value::Bool(true)), "the browser: {answer}");
        Ok(())
    }

    fn ask(&mut self, what: &Value) -> Result<Value> {
        writeln!(self.input, "{what}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).context("the browser is gone")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
