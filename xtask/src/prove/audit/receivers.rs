//! Receivers of records that can be killed, slowed down, made to answer wrongly, and to lie.

use std::{
    collections::{BTreeMap, HashSet},
    thread,
    time::Duration,
};

use testkit::{Authority, Breach, Collector, Nats, Rsyslog, S3};

use crate::run;

/// How long one that is slow keeps each answer to itself, or does nothing at all.
const SLOW: Duration = Duration::from_millis(400);
/// How often Splunk is asked in vain for an acknowledgement while it is slow.
const ASKED_IN_VAIN: u32 = 2;

/// One of each kind.
#[derive(Debug)]
pub(super) struct Receivers {
    authority: Authority,
    rsyslog: Rsyslog,
    nats: Nats,
    s3: S3,
    /// By kind.
    collectors: [(&'static str, Collector); 4],
    /// By the format that they take, each as a webhook. They are killed with all others, and do not lie.
    shaped: [(&'static str, Collector); 2],
    /// What servers lost that they had acknowledged, by kind.
    lost: BTreeMap<&'static str, Vec<String>>,
}

impl Receivers {
    /// Their kinds, which are the names of their sinks.
    pub(super) const KINDS: [&'static str; 7] =
        ["syslog", "nats", "s3", "elasticsearch", "otlp", "splunk", "webhook"];

    /// The formats of the others, which are the names of their sinks.
    pub(super) const FORMATS: [&'static str; 2] = ["ocsf", "ecs"];
    /// Those of the kinds that are doubles, which can answer wrongly.
    pub(super) const DOUBLES: [&'static str; 4] = ["elasticsearch", "otlp", "splunk", "webhook"];
    /// Doubles that get again what they kept and did not acknowledge, and do not know it by an id.
    pub(super) const FORGETFUL: [&'static str; 2] = ["otlp", "webhook"];
    /// How many of what it acknowledged the server of NATS loses when it lies.
    pub(super) const LOST: u64 = 25;

    /// The names of all sinks.
    pub(super) fn sinks() -> Vec<&'static str> {
        [Self::KINDS.as_slice(), Self::FORMATS.as_slice()].concat()
    }

    pub(super) fn start() -> Self {
        let authority = Authority::new();
        let rsyslog = Rsyslog::start(&authority);
        let collectors = Self::DOUBLES.map(|it| (it, Collector::start()));
        let shaped = Self::FORMATS.map(|it| (it, Collector::start()));
        let (nats, s3) = (Nats::start(), S3::start());
        Self { authority, rsyslog, nats, s3, collectors, shaped, lost: BTreeMap::new() }
    }

    /// What onedoor.toml has to say.
    pub(super) fn config(&self) -> String {
        let [tls, ..] = self.rsyslog.authorities();
        let ca = self.authority.path("ca.pem").display().to_string();
        let (nats, subject) = (self.nats.url(), Nats::SUBJECT);
        let (s3, bucket) = (self.s3.url(), S3::BUCKET);
        // Between them they have every format, and Elasticsearch the one that it has by itself.
        let mut text = format!(
            "[[sinks]]\nname = \"syslog\"\nkind = \"syslog\"\nurl = \"tls://{tls}\"\nca = \"{ca}\"\n\
             format = \"cef\"\n\
             [[sinks]]\nname = \"nats\"\nkind = \"nats\"\nurl = \"{nats}\"\nsubject = \"{subject}\"\n\
             secret = \"nats-token\"\nformat = \"ocsf\"\n\
             [[sinks]]\nname = \"s3\"\nkind = \"s3\"\nurl = \"{s3}\"\nbucket = \"{bucket}\"\n\
             secret = \"s3-keys\"\nwait = \"0s\"\n"
        );
        for (kind, collector) in &self.collectors {
            let url = collector.url();
            let (url, more) = match *kind {
                "elasticsearch" => (url, "index = \"audit\"\n"),
                "otlp" => (format!("{url}/v1/logs"), ""),
                "splunk" => (url, "secret = \"collector-token\"\nformat = \"ocsf-1.9\"\n"),
                _ => (format!("{url}/hook"), "secret = \"collector-signing\"\n"),
            };
            let head = format!("[[sinks]]\nname = \"{kind}\"\nkind = \"{kind}\"\n");
            text.extend([head, format!("url = \"{url}\"\n{more}")]);
        }
        for (format, collector) in &self.shaped {
            text.extend([format!(
                "[[sinks]]\nname = \"{format}\"\nkind = \"webhook\"\nformat = \"{format}\"\n\
                 url = \"{}/hook\"\nsecret = \"collector-signing\"\n",
                collector.url()
            )]);
        }
        text
    }

    /// Kills the receiver behind this sink.
    pub(super) fn kill(&mut self, sink: &str) {
        match sink {
            "syslog" => self.rsyslog.kill(),
            "nats" => self.nats.kill(),
            "s3" => self.s3.kill(),
            _ => self.collectors_of(sink).for_each(Collector::kill),
        }
    }

    /// Starts it anew, with what it kept.
    pub(super) fn serve(&mut self, sink: &str) {
        match sink {
            "syslog" => self.rsyslog.serve(true),
            "nats" => self.nats.serve(),
            "s3" => self.s3.serve(),
            _ => self.collectors_of(sink).for_each(Collector::serve),
        }
    }

    /// Has it be slow for a while: a server does nothing, a double acknowledges late what it has.
    pub(super) fn slow_down(&mut self, sink: &str) {
        match sink {
            "syslog" => self.rsyslog.hold(SLOW),
            "nats" => self.nats.hold(SLOW),
            "s3" => self.s3.hold(SLOW),
            _ => self.collectors_of(sink).for_each(|it| {
                it.slow_down(SLOW);
                it.acknowledge_late(ASKED_IN_VAIN);
                run::rest(SLOW.saturating_mul(2));
                it.acknowledge_late(0);
                it.slow_down(Duration::ZERO);
            }),
        }
    }

    /// Has all of them be slow at the same time, for so long.
    pub(super) fn hang(&self, time: Duration) {
        let Self { rsyslog, nats, s3, collectors, shaped, .. } = self;
        let all = || collectors.iter().chain(shaped).map(|it| &it.1);
        all().for_each(|it| it.slow_down(time));
        thread::scope(|scope| {
            scope.spawn(|| rsyslog.hold(time));
            scope.spawn(|| nats.hold(time));
            s3.hold(time);
        });
        all().for_each(|it| it.slow_down(Duration::ZERO));
    }

    /// From now on, this goes wrong with every request to the double behind this sink.
    pub(super) fn breach(&mut self, sink: &str, breach: Option<Breach>) {
        self.collectors_of(sink).for_each(|it| it.breach(breach));
    }

    fn collectors_of(&mut self, sink: &str) -> impl Iterator<Item = &mut Collector> {
        let all = self.collectors.iter_mut().chain(&mut self.shaped);
        all.filter(move |it| it.0 == sink).map(|it| &mut it.1)
    }

    /// From now on, whether they say that they keep what they do not.
    pub(super) fn lie(&mut self, is_lying: bool) {
        self.rsyslog.serve(!is_lying);
        for (_, collector) in &self.collectors {
            collector.lie(is_lying);
        }
        if !is_lying {
            let (nats, s3) = (self.nats.lose(Self::LOST), self.s3.lose());
            self.lost = [("nats", nats), ("s3", s3)].into();
        }
    }

    /// The events that came in this format.
    pub(super) fn events(&self, format: &str) -> Vec<String> {
        let found = self.shaped.iter().find(|it| it.0 == format);
        found.map(|(_, collector)| collector.records("webhook")).unwrap_or_default()
    }

    /// What the receiver of this kind holds.
    pub(super) fn records(&self, kind: &str) -> Vec<String> {
        match kind {
            "syslog" => self.rsyslog.messages(),
            "nats" => self.nats.messages(),
            "s3" => self.s3.lines(),
            _ => {
                let found = self.collectors.iter().find(|it| it.0 == kind);
                found.map(|(_, collector)| collector.records(kind)).unwrap_or_default()
            }
        }
    }

    /// What the receiver of this kind said that it holds, and lied.
    pub(super) fn dropped(&self, kind: &str) -> Vec<String> {
        match kind {
            "syslog" => self.rsyslog.discarded(),
            "nats" | "s3" => self.lost.get(kind).cloned().unwrap_or_default(),
            _ => {
                let found = self.collectors.iter().find(|it| it.0 == kind);
                found.map(|(_, collector)| collector.dropped(kind)).unwrap_or_default()
            }
        }
    }

    /// How much of what the forgetful hold is there again.
    pub(super) fn repeated(&self) -> [usize; 2] {
        Self::FORGETFUL.map(|kind| {
            let records = self.records(kind);
            let different: HashSet<_> = records.iter().collect();
            records.len().saturating_sub(different.len())
        })
    }
}
