//! What a process needs to start: `onedoor.toml`, with one file here for each of its tables.

mod audit;
mod bounds;
mod egress;
mod folders;
mod limits;
mod listen;
mod log;
mod management;
mod metrics;
mod oauth;
mod reader;
mod sinks;
mod store;
mod tls;
mod webhooks;

use std::{net::SocketAddr, path::Path, sync::Arc};

use ::sinks::Declared;
use model::{Fault, Place};

use self::reader::Reader;
pub(crate) use self::{
    audit::Audit,
    bounds::Bounds,
    egress::Egress,
    folders::Folders,
    limits::Limits,
    listen::{Listen, parse_address},
    log::Log,
    management::Management,
    metrics::Metrics,
    oauth::OAuth,
    store::Store,
    tls::{ClientCertificates, Tls},
    webhooks::Webhook,
};

/// Largest `onedoor.toml` that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything that `onedoor.toml` can say, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where calls come in.
    pub(crate) listen: Listen,
    /// Where management comes in.
    pub(crate) management: Management,
    /// The certificates of the listener for consumers; none where it speaks plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// Those of the listener for management.
    pub(crate) management_tls: Option<Tls>,
    /// Where things are kept.
    pub(crate) folders: Folders,
    /// Where desired state is kept.
    pub(crate) store: Store,
    /// How large a call may be.
    pub(crate) bounds: Bounds,
    /// What holds where no limit is declared.
    pub(crate) limits: Limits,
    /// Whether the door gives tokens itself.
    pub(crate) oauth: OAuth,
    /// Where documents may be fetched from.
    pub(crate) egress: Egress,
    /// Where records go.
    pub(crate) audit: Audit,
    /// What the process says about itself.
    pub(crate) log: Log,
    /// Who is told what happens to credentials.
    pub(crate) webhooks: Vec<Webhook>,
    /// Where records are brought to.
    pub(crate) sinks: Vec<Declared>,
    /// Where numbers of the process are read; nowhere where no address is named.
    pub(crate) metrics: Option<Metrics>,
}

impl Config {
    /// Reads `file`; without one, the defaults.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Vec<Fault>> {
        let Some(file) = file else { return Self::parse("", "onedoor.toml", Path::new("")) };
        let shown = file.display().to_string();
        let broken = |error: String| {
            let place = Place::new(&Arc::from(shown.as_str()), 0);
            vec![Fault::new(&place, error, "name a readable file of UTF-8 text with --config")]
        };
        let size = std::fs::metadata(file).map_err(|it| broken(it.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(broken(format!("{size} bytes, over {FILE_BYTES_MAX}")));
        }
        let text = std::fs::read_to_string(file).map_err(|it| broken(it.to_string()))?;
        Self::parse(&text, &shown, file.parent().unwrap_or(Path::new("")))
    }

    /// Takes over the address that the listener for consumers has. Where nobody says how callers
    /// reach it, and only this machine can, that is how.
    pub(crate) fn reached_at(&mut self, address: SocketAddr) {
        self.listen.address = address;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if self.listen.public_url.is_none() && address.ip().is_loopback() {
            self.listen.public_url = Some(format!("{scheme}://{address}"));
        }
    }

    /// The same, of the listener for management.
    pub(crate) fn managed_at(&mut self, address: SocketAddr) {
        self.management.address = address;
        let scheme = if self.management_tls.is_some() { "https" } else { "http" };
        if self.management.public_url.is_none() && address.ip().is_loopback() {
            self.management.public_url = Some(format!("{scheme}://{address}"));
        }
    }

    /// The URL by which the door gives tokens itself; none where it does not, or where nobody says
    /// how it is reached.
    pub(crate) fn own_url(&self) -> Option<&str> {
        self.listen.public_url.as_deref().filter(|_| self.oauth.is_enabled)
    }

    /// Whether the door gives tokens itself.
    pub(crate) fn gives_tokens(&self) -> bool {
        self.own_url().is_some()
    }

    /// Reads the text of a file in `folder`, against which its relative paths are meant.
    fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(text, file);
        let config = Self {
            listen: Listen::read(&mut reader),
            management: Management::read(&mut reader),
            tls: Tls::read(&mut reader, "tls", folder),
            management_tls: Tls::read(&mut reader, "management_tls", folder),
            folders: Folders::read(&mut reader, folder),
            store: Store::read(&mut reader),
            bounds: Bounds::read(&mut reader),
            limits: Limits::read(&mut reader),
            oauth: OAuth::read(&mut reader),
            egress: Egress::read(&mut reader),
            audit: Audit::read(&mut reader, folder),
            log: Log::read(&mut reader),
            webhooks: Webhook::read(&mut reader),
            sinks: sinks::read(&mut reader, folder),
            metrics: Metrics::read(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<Fault>> {
        Config::parse(text, "onedoor.toml", Path::new("/etc/onedoor"))
    }

    fn faults(text: &str) -> Vec<String> {
        parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.bounds.request_body_bytes_max, 10 << 20);
        assert_eq!(config.bounds.tool_answer_bytes_max, 64 << 10);
        assert_eq!(config.limits.default_rate.to_string(), "10/s");
        assert_eq!(config.audit, Audit::default());
        assert_eq!(Config::read(None), Ok(config));
    }

    #[test]
    fn all_faults_are_told_at_once_with_their_lines() {
        let text = "\
[listen]
adress = \"127.0.0.1:1\"
public_url = \"ftp://x\"

[bounds]
request_body_bytes_max = \"ten\"
headers_max = true

[logs]
level = \"info\"
";
        insta::assert_snapshot!(faults(text).join("\n"), @r#"
        onedoor.toml:2: unknown key "adress" in [listen]
            help: did you mean address?
        onedoor.toml:3: public_url: "ftp://x" is not a scheme and a host alone
            help: write https://api.example.com
        onedoor.toml:6: request_body_bytes_max: "ten" is not a size
            help: write 512, 64KiB, 4MiB or 1GiB
        onedoor.toml:7: headers_max: expected text or a whole number, found a boolean
            help: write the value in quotes
        onedoor.toml:9: unknown key "logs" at the top
            help: did you mean log?
        "#);
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        insta::assert_snapshot!(faults("[listen]\naddress = \n[log\n").join("\n"), @"
        onedoor.toml:2: string values must be quoted, expected literal string
            help: correct the TOML: https://toml.io shows the notation
        onedoor.toml:3: unclosed table, expected `]`
            help: correct the TOML: https://toml.io shows the notation
        ");
    }

    #[test]
    fn relative_paths_are_meant_from_the_file() {
        let config = parse(
            "[folders]\nstate = \"state\"\n[audit]\ndirectory = \"/var/x\"\nsigning_key = \"k\"",
        )
        .unwrap();
        assert_eq!(config.folders.state.as_deref(), Some(Path::new("/etc/onedoor/state")));
        assert_eq!(config.audit.directory.as_deref(), Some(Path::new("/var/x")));
        assert_eq!(config.audit.signing_key.as_deref(), Some(Path::new("/etc/onedoor/k")));
    }

    #[test]
    fn a_table_of_certificates_is_whole_or_not_there() {
        let text = "\
[tls]
certificate = \"tls.pem\"
client_certificates = \"required\"

[management_tls]
key = \"\"
client_ca = \"ca.pem\"
client_certificates = \"sometimes\"
cert = \"tls.pem\"
";
        insta::assert_snapshot!(faults(text).join("\n"), @r#"
        onedoor.toml:2: certificate: has no meaning without key
            help: write key = "FILE.pem"
        onedoor.toml:3: client_certificates: has no meaning without client_ca
            help: write client_ca = "FILE.pem"
        onedoor.toml:6: key: has no meaning without certificate
            help: write certificate = "FILE.pem"
        onedoor.toml:7: client_ca: has no meaning without certificate
            help: write certificate = "FILE.pem"
        onedoor.toml:8: client_certificates: "sometimes" is unknown
            help: write any, none, optional or required
        onedoor.toml:9: unknown key "cert" in [management_tls]
            help: use one of: certificate, key, client_ca, client_certificates
        "#);
        let config =
            parse("[tls]\ncertificate = \"a.pem\"\nkey = \"/k.pem\"\nclient_ca = \"ca.pem\"\n");
        let tls = config.unwrap().tls.unwrap();
        assert_eq!(tls.certificate, Path::new("/etc/onedoor/a.pem"));
        assert_eq!(tls.key, Path::new("/k.pem"));
        assert_eq!(tls.clients, ClientCertificates::Optional("/etc/onedoor/ca.pem".into()));
    }

    #[test]
    fn the_documentation_shows_every_key_with_its_default() {
        let page = include_str!("../../../docs/configuration.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (shown, _) = rest.split_once("```").unwrap();
        assert_eq!(parse(shown), parse(""));
        for table in [
            "listen",
            "management",
            "tls",
            "management_tls",
            "folders",
            "store",
            "bounds",
            "limits",
            "oauth",
            "egress",
            "audit",
            "log",
            "metrics",
        ] {
            let fault = faults(&format!("[{table}]\n\"????????\" = 1")).join("");
            let (_, keys) = fault.split_once("use one of: ").unwrap();
            for key in keys.split(", ") {
                assert!(shown.contains(&format!("{key} = ")), "{key} has no line of its own");
                assert!(page.contains(&format!("`{key}`")) || table == "bounds", "{key}");
            }
        }
    }

    #[test]
    fn the_example_for_tls_in_the_documentation_has_no_fault() {
        let page = include_str!("../../../docs/configuration.md");
        let (_, rest) = page.rsplit_once("```toml\n").unwrap();
        let (shown, _) = rest.split_once("```").unwrap();
        let Config { tls, management_tls, .. } = parse(shown).unwrap();
        let path = |name: &str| Path::new("/etc/onedoor/tls").join(name);
        let tls = tls.unwrap();
        assert_eq!((tls.certificate, tls.key), (path("api.pem"), path("api.key")));
        assert_eq!(tls.clients, ClientCertificates::Optional(path("partners.pem")));
        let clients = management_tls.unwrap().clients;
        assert_eq!(clients, ClientCertificates::Required(path("operators.pem")));
    }

    #[test]
    fn a_webhook_is_told_what_it_names_and_all_where_it_names_nothing() {
        let text =
            "[[webhooks]]\nname = \"ops\"\nurl = \"https://ops.example.com/h\"\nsecret = \"s\"\n";
        let [ops] = &parse(text).unwrap().webhooks[..] else { panic!("there is one") };
        assert_eq!((&*ops.name, ops.secret.as_str(), ops.events.len()), ("ops", "s", 6));
        let some = format!("{text}events = [\"credential.due\"]\n");
        let events = &parse(&some).unwrap().webhooks[0].events;
        assert_eq!(events[..], [admin::CredentialEvent::Due]);
        let wrong = format!("{text}{text}[[webhooks]]\nname = \"A b\"\nevents = [\"x\"]\n");
        let told = faults(&wrong).join("\n");
        for want in [
            "two webhooks are called \"ops\"",
            "is not a name",
            "\"x\" is no event",
            "without url",
            "without secret",
        ] {
            assert!(told.contains(want), "{want}: {told}");
        }
        assert!(faults("webhooks = \"ops\"").join("").contains("[[webhooks]]"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]a-z=\" .\n0-9_'#{}]{0,80}") {
            let _ = parse(&text).is_ok();
        }
    }
}
