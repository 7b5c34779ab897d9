//! A message of syslog (RFC 5424 section 6). Pure.

use audit::Shaped;

/// Log audit (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13;
const APP: &str = "onedoor";
/// What every message says that it is.
const MSGID: &str = "audit";
/// Numbers of `meta` begin with 1 again behind this (RFC 5424 section 7.3.1).
const SEQUENCE_MAX: u64 = 2_147_483_647;
/// UTF-8 stands behind it (RFC 5424 section 6.4).
const BOM: &[u8] = "\u{feff}".as_bytes();

/// A message to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// What this machine is called.
    pub(super) hostname: &'a str,
    pub(super) pid: u32,
    /// The number of the record.
    pub(super) seq: u64,
    pub(super) shaped: &'a Shaped,
}

impl Message<'_> {
    pub(super) fn bytes(self) -> Vec<u8> {
        let Self { hostname, pid, seq, shaped } = self;
        let priority = FACILITY.saturating_mul(8).saturating_add(shaped.severity.syslog());
        let sequence = seq.checked_rem(SEQUENCE_MAX).unwrap_or_default().saturating_add(1);
        let (time, host) = (shaped.time, name(hostname));
        let head = format!(
            "<{priority}>1 {time} {host} {APP} {pid} {MSGID} [meta sequenceId=\"{sequence}\"] "
        );
        [head.as_bytes(), BOM, &shaped.bytes].concat()
    }
}

/// A host's name as a header may have it: printable ASCII, at most 255, or nothing.
fn name(text: &str) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(255).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use audit::Severity;
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_message_has_the_header_of_the_specification() {
        let shaped = |severity| Shaped {
            time: Timestamp::from_micros(1_795_392_000_123_456),
            severity,
            bytes: b"{\"seq\":7}".to_vec(),
        };
        let message = |hostname, seq, severity| {
            let message = Message { hostname, pid: 42, seq, shaped: &shaped(severity) };
            String::from_utf8(message.bytes()).unwrap()
        };
        assert_eq!(
            message("door-1.example.com", 7, Severity::Informational),
            "<110>1 2026-11-23T00:00:00.123456Z door-1.example.com onedoor 42 audit \
             [meta sequenceId=\"8\"] \u{feff}{\"seq\":7}"
        );
        let odd = message("ä b\n", SEQUENCE_MAX, Severity::Critical);
        assert!(odd.starts_with("<106>1 2026-11-23T00:00:00.123456Z b onedoor"), "{odd}");
        assert!(odd.contains("sequenceId=\"1\""), "{odd}");
        assert!(message("\n", 0, Severity::Low).contains("Z - onedoor"), "no name is a dash");
    }
}
