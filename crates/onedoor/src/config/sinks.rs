//! `[[sinks]]`: where records are brought to, besides the log itself.

mod words;

use std::{
    collections::HashSet,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use audit::Format;
use model::SecretId;
use sinks::{
    Declared, Elasticsearch, File, Kafka, Mechanism, Nats, Otlp, Receiver, S3, Splunk, Syslog,
    TlsFiles, Webhook,
};
use upstream::Scheme;

use self::words::{
    SYSLOG, parse_brokers, parse_bucket, parse_count, parse_format, parse_index, parse_mechanism,
    parse_name, parse_prefix, parse_region, parse_scheme, parse_secret, parse_size, parse_subject,
    parse_syslog, parse_topic, parse_yes,
};
use super::{Reader, bounds, folders::parse_path, reader::Table};

/// Most of them: each reads the whole log, and has a thread.
const SINKS_MAX: usize = 16;
/// How large a file grows, and how many older ones are kept, where nothing is said.
const FILE: (u64, u32) = (64 << 20, 10);
/// What S3 itself takes where nothing else is said, and how long an object waits to be full.
const REGION: &str = "us-east-1";
const LINGER: Duration = Duration::from_secs(60);
const KINDS: &str = "elasticsearch, file, kafka, nats, otlp, s3, splunk, stdout, syslog or webhook";

/// A table that is read, and what its receiver is.
struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    table: Table<'a>,
    span: Range<usize>,
    from: &'r Path,
}

pub(super) fn read(reader: &mut Reader<'_>, from: &Path) -> Vec<Declared> {
    let (mut sinks, mut names) = (Vec::new(), HashSet::new());
    for (number, (table, span)) in reader.tables("sinks").into_iter().enumerate() {
        if number == SINKS_MAX {
            let message = format!("more than {SINKS_MAX} sinks");
            reader.fault(span.clone(), message, "let one of them pass it on");
        }
        let fields = Fields { reader, table, span: span.clone(), from };
        let Some(declared) = fields.sink() else { continue };
        if !names.insert(declared.name.clone()) {
            let message = format!("two sinks are called \"{}\"", declared.name);
            reader.fault(span, message, "give each a name of its own");
        }
        sinks.push(declared);
    }
    sinks
}

impl Fields<'_, '_> {
    fn sink(mut self) -> Option<Declared> {
        let name = self.required("name", "write name = \"siem\"", parse_name);
        let format = self.optional("format", parse_format);
        let kind = self.required("kind", "write kind = \"syslog\"", |it| Ok(it.to_owned()));
        let receiver = match kind.as_deref() {
            None => return None,
            Some("elasticsearch") => self.elasticsearch().map(Receiver::Elasticsearch),
            Some("file") => self.file().map(Receiver::File),
            Some("kafka") => self.kafka().map(Receiver::Kafka),
            Some("nats") => self.nats().map(Receiver::Nats),
            Some("otlp") => self.otlp().map(Receiver::Otlp),
            Some("s3") => self.s3().map(Receiver::S3),
            Some("splunk") => self.splunk().map(Receiver::Splunk),
            Some("stdout") => Some(Receiver::Stdout),
            Some("syslog") => self.syslog().map(Receiver::Syslog),
            Some("webhook") => self.webhook().map(Receiver::Webhook),
            Some(other) => {
                let message = format!("kind: \"{}\" is no kind of sink", other.escape_debug());
                self.reader.fault(self.span, message, format!("write {KINDS}"));
                return None;
            }
        };
        self.table.finish(self.reader);
        // What Elasticsearch and Kibana know what to do with.
        let usual = match &receiver {
            Some(Receiver::Elasticsearch(_)) => Format::Ecs,
            Some(_) | None => Format::Native,
        };
        Some(Declared { name: name?, format: format.unwrap_or(usual), receiver: receiver? })
    }

    fn elasticsearch(&mut self) -> Option<Elasticsearch> {
        let url = self.url("https://search.example.com:9200");
        let index = self.required("index", "write index = \"onedoor-audit\"", parse_index);
        let scheme = self.optional("authorization", parse_scheme).unwrap_or(Scheme::ApiKey);
        let secret = self.optional("secret", parse_secret).map(|it| (scheme, it));
        Some(Elasticsearch { url: url?, index: index?, secret, tls: self.tls() })
    }

    fn file(&mut self) -> Option<File> {
        let from = self.from;
        let path =
            self.required("path", "write path = \"records.jsonl\"", |it| parse_path(it, from));
        let bytes_max = self.optional("size", parse_size).unwrap_or(FILE.0);
        let kept = self.optional("keep", parse_count).unwrap_or(FILE.1);
        Some(File { path: path?, bytes_max, kept })
    }

    fn kafka(&mut self) -> Option<Kafka> {
        let help = "write brokers = \"kafka-1.example.com:9093,kafka-2.example.com:9093\"";
        let brokers = self.required("brokers", help, parse_brokers);
        let topic = self.required("topic", "write topic = \"onedoor-audit\"", parse_topic);
        let is_tls = self.optional("encrypt", parse_yes).unwrap_or(true);
        let has_secret = self.table.has("secret");
        let mechanism = self.optional("mechanism", |it| match (it, is_tls) {
            _ if !has_secret => Err("has no meaning without secret: write secret = \"ID\"".into()),
            ("plain", false) => {
                Err("plain shows the password to everybody on the way: write encrypt = \"yes\""
                    .into())
            }
            (it, _) => parse_mechanism(it),
        });
        let mechanism = mechanism.unwrap_or(Mechanism::ScramSha512);
        let secret = self.optional("secret", parse_secret).map(|it| (mechanism, it));
        for key in ["ca", "certificate", "key"].into_iter().filter(|_| !is_tls) {
            // Who names one means to be encrypted.
            let why = "has no meaning where nothing is encrypted: write encrypt = \"yes\"";
            self.optional::<()>(key, |_| Err(why.to_owned()));
        }
        Some(Kafka { brokers: brokers?, topic: topic?, is_tls, secret, tls: self.tls() })
    }

    fn nats(&mut self) -> Option<Nats> {
        let url = self.url("nats://127.0.0.1:4222, or tls:// and a host");
        let subject = self.required("subject", "write subject = \"onedoor.audit\"", parse_subject);
        let secret = self.optional("secret", parse_secret);
        Some(Nats { url: url?, subject: subject?, secret, tls: self.tls() })
    }

    fn otlp(&mut self) -> Option<Otlp> {
        let url = self.url("https://collector.example.com:4318/v1/logs");
        let secret = self.optional("secret", parse_secret);
        Some(Otlp { url: url?, secret, tls: self.tls() })
    }

    fn s3(&mut self) -> Option<S3> {
        let url = self.url("https://s3.eu-central-1.amazonaws.com");
        let bucket = self.required("bucket", "write bucket = \"onedoor-audit\"", parse_bucket);
        let region = self.optional("region", parse_region).unwrap_or_else(|| REGION.to_owned());
        let prefix = self.optional("prefix", parse_prefix).unwrap_or_default();
        let secret = self.secret();
        let is_packed = self.optional("compress", parse_yes).unwrap_or(true);
        let linger = self.optional("wait", |it| bounds::duration(it, 0, 600)).unwrap_or(LINGER);
        let tls = self.tls();
        let (url, bucket, secret) = (url?, bucket?, secret?);
        Some(S3 { url, bucket, region, prefix, secret, is_packed, linger, tls })
    }

    fn splunk(&mut self) -> Option<Splunk> {
        let url = self.url("https://splunk.example.com:8088");
        let secret = self.secret();
        let index = self.optional("index", parse_index);
        let acknowledges = self.acknowledges();
        Some(Splunk { url: url?, secret: secret?, index, acknowledges, tls: self.tls() })
    }

    fn syslog(&mut self) -> Option<Syslog> {
        let to = self.required("url", &format!("write url = \"{SYSLOG}\""), parse_syslog);
        let hostname = self.optional("hostname", |it| Ok(it.to_owned()));
        let hostname = hostname.unwrap_or_else(hostname_of_machine);
        let acknowledges = self.acknowledges();
        let tls = self.tls();
        let (transport, authority) = to?;
        Some(Syslog { transport, authority, hostname, acknowledges, tls })
    }

    fn webhook(&mut self) -> Option<Webhook> {
        let url = self.url("https://siem.example.com/records");
        let secret = self.secret();
        Some(Webhook { url: url?, secret: secret?, tls: self.tls() })
    }

    fn url(&mut self, example: &str) -> Option<String> {
        self.required("url", &format!("write url = \"{example}\""), |it| Ok(it.to_owned()))
    }

    fn secret(&mut self) -> Option<SecretId> {
        self.required("secret", "write secret = \"ID\", the id of a declared secret", parse_secret)
    }

    fn acknowledges(&mut self) -> bool {
        self.optional("acknowledge", parse_yes).unwrap_or(true)
    }

    fn tls(&mut self) -> TlsFiles {
        let from = self.from;
        let authorities = self.optional("ca", |it| parse_path(it, from));
        let [has_certificate, has_key] = ["certificate", "key"].map(|it| self.table.has(it));
        let path = |text: &str, is_whole: bool, other: &str| match is_whole {
            true => parse_path(text, from),
            false => Err(format!("has no meaning without {other}: write {other} = \"FILE.pem\"")),
        };
        let certificate = self.optional("certificate", |it| path(it, has_key, "key"));
        let key = self.optional("key", |it| path(it, has_certificate, "certificate"));
        TlsFiles { authorities, identity: certificate.zip(key) }
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.table.has(key) {
            self.reader.fault(self.span.clone(), format!("a sink without {key}"), help);
        }
        self.optional(key, parse)
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.table.take(self.reader, key, parse)
    }
}

/// What the machine calls itself; nothing where that cannot be told.
fn hostname_of_machine() -> String {
    let name = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/hostname"));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use sinks::Transport;

    use super::*;

    fn parse(text: &str) -> Result<Vec<Declared>, String> {
        let mut reader = Reader::new(text, "onedoor.toml");
        let sinks = read(&mut reader, Path::new("/etc/onedoor"));
        let told = |faults: Vec<model::Fault>| {
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        reader.finish().map(|()| sinks).map_err(told)
    }

    #[test]
    fn what_is_not_said_is_what_is_usual() {
        let sinks = parse(
            "[[sinks]]\nname = \"a\"\nkind = \"syslog\"\nurl = \"tls://siem.example.com:6514\"\n\
             hostname = \"door-1\"\nca = \"ca.pem\"\n\
             [[sinks]]\nname = \"b\"\nkind = \"elasticsearch\"\nurl = \"https://es.example.com\"\n\
             index = \"audit\"\n[[sinks]]\nname = \"c\"\nkind = \"file\"\npath = \"out\"\nkeep = 3\n",
        );
        let [syslog, elasticsearch, file] = &sinks.unwrap()[..] else { panic!("there are three") };
        let tls = TlsFiles { authorities: Some("/etc/onedoor/ca.pem".into()), identity: None };
        let (authority, hostname) = ("siem.example.com:6514".to_owned(), "door-1".to_owned());
        let transport = Transport::Tls;
        let want = Syslog { transport, authority, hostname, acknowledges: true, tls };
        assert_eq!((&syslog.receiver, syslog.format), (&Receiver::Syslog(want), Format::Native));
        assert_eq!(elasticsearch.format, Format::Ecs);
        let want = File { path: "/etc/onedoor/out".into(), bytes_max: FILE.0, kept: 3 };
        assert_eq!(file.receiver, Receiver::File(want));
    }

    #[test]
    fn kafka_is_encrypted_and_objects_are_packed_unless_that_is_said() {
        let sinks = parse(
            "[[sinks]]\nname = \"a\"\nkind = \"kafka\"\nbrokers = \"k1.example.com:9093, [::1]:9\"\n\
             topic = \"audit\"\nsecret = \"k\"\n\
             [[sinks]]\nname = \"b\"\nkind = \"s3\"\nurl = \"https://s3.example.com\"\n\
             bucket = \"audit\"\nprefix = \"a/b=c/\"\nsecret = \"s\"\n",
        );
        let [kafka, s3] = &sinks.unwrap()[..] else { panic!("there are two") };
        let secret = |id: &str| SecretId::parse(id).unwrap();
        let want = Kafka {
            brokers: vec!["k1.example.com:9093".to_owned(), "[::1]:9".to_owned()],
            topic: "audit".to_owned(),
            is_tls: true,
            secret: Some((Mechanism::ScramSha512, secret("k"))),
            tls: TlsFiles::default(),
        };
        assert_eq!(kafka.receiver, Receiver::Kafka(want));
        let want = S3 {
            url: "https://s3.example.com".to_owned(),
            bucket: "audit".to_owned(),
            region: REGION.to_owned(),
            prefix: "a/b=c".to_owned(),
            secret: secret("s"),
            is_packed: true,
            linger: LINGER,
            tls: TlsFiles::default(),
        };
        assert_eq!(s3.receiver, Receiver::S3(want));
    }

    #[test]
    fn what_leads_elsewhere_or_shows_a_password_is_told() {
        let text = "\
[[sinks]]
name = \"a\"
kind = \"s3\"
url = \"https://s3.example.com\"
bucket = \"../x\"
region = \"eu/1\"
prefix = \"a/../b\"
wait = \"2h\"
compress = \"zstd\"
secret = \"s\"

[[sinks]]
name = \"b\"
kind = \"kafka\"
brokers = \"u:p@k1.example.com:9093\"
topic = \"a b\"
encrypt = \"no\"
mechanism = \"plain\"
secret = \"k\"
ca = \"ca.pem\"

[[sinks]]
name = \"c\"
kind = \"kafka\"
brokers = \"k1.example.com:9093\"
topic = \"a\"
mechanism = \"scram-sha-256\"
";
        let told = parse(text).unwrap_err();
        for want in [
            "onedoor.toml:5: bucket: \"../x\" is no bucket",
            "onedoor.toml:6: region: \"eu/1\" is no region",
            "onedoor.toml:7: prefix: \"a/../b\" is no prefix",
            "onedoor.toml:8: wait: ",
            "onedoor.toml:9: compress: \"zstd\" is neither",
            "onedoor.toml:15: brokers: \"u:p@k1.example.com:9093\" is no broker",
            "onedoor.toml:16: topic: \"a b\" is no topic",
            "onedoor.toml:18: mechanism: plain shows the password to everybody on the way",
            "onedoor.toml:20: ca: has no meaning where nothing is encrypted",
            "onedoor.toml:27: mechanism: has no meaning without secret",
        ] {
            assert!(told.contains(want), "{want}: {told}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_line() {
        let text = "\
[[sinks]]
name = \"Siem\"
kind = \"syslog\"
url = \"https://siem.example.com\"
subject = \"x\"
certificate = \"a.pem\"

[[sinks]]
name = \"a\"
kind = \"carrier-pigeon\"

[[sinks]]
name = \"b\"
kind = \"splunk\"
format = \"leef\"
index = \"../x\"
";
        insta::assert_snapshot!(parse(text).unwrap_err(), @r#"
        onedoor.toml:2: name: "Siem" is not a name
            help: write lower case letters, digits and -
        onedoor.toml:4: url: "https://siem.example.com" is no receiver of syslog
            help: write tls://siem.example.com:6514, or tcp:// or udp:// with a port
        onedoor.toml:5: unknown key "subject" in [sinks]
            help: use one of: name, format, kind, url, hostname, acknowledge, ca, certificate, key
        onedoor.toml:6: certificate: has no meaning without key
            help: write key = "FILE.pem"
        onedoor.toml:8: kind: "carrier-pigeon" is no kind of sink
            help: write elasticsearch, file, kafka, nats, otlp, s3, splunk, stdout, syslog or webhook
        onedoor.toml:12: a sink without secret
            help: write secret = "ID", the id of a declared secret
        onedoor.toml:12: a sink without url
            help: write url = "https://splunk.example.com:8088"
        onedoor.toml:15: format: "leef" is no format
            help: write one of cef, ecs, native, ocsf, ocsf-1.9
        onedoor.toml:16: index: "../x" is no index
            help: write lower case letters, digits, -, _ and .
        "#);
    }
}
