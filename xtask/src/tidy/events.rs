//! Each event of the log is seen by a test, which is named here: one that is new fails until one is.

use std::collections::HashMap;

use audit::EventId;
use model::{Fault, Place};

use super::{files::File, shown};

/// Where events are declared.
const DECLARED: &str = "crates/audit/src/record/event.rs";
const HERE: &str = "xtask/src/tidy/events.rs";

/// Tests, each by the file below `crates/` that it is in, and with events that it sees.
const SEEN: &[(&str, &str, &[EventId])] = &[
    (
        "admin/tests/admin/events.rs",
        "each_step_of_a_credentials_life_is_told_once_and_in_order",
        &[
            EventId::CredentialIssued,
            EventId::CredentialRetired,
            EventId::CredentialRevoked,
            EventId::CredentialRotated,
        ],
    ),
    (
        "admin/tests/admin/events.rs",
        "what_is_due_or_over_is_told_once_over_all_replicas_and_restarts",
        &[EventId::CredentialDue, EventId::CredentialExpired],
    ),
    (
        "audit/src/journal/room.rs",
        "each_step_of_a_disk_that_fills_up_is_recorded_once",
        &[EventId::AuditLowRoom],
    ),
    (
        "audit/src/journal/tests.rs",
        "what_could_not_begin_a_segment_is_said_in_the_one_before",
        &[EventId::AuditFull, EventId::AuditResumed, EventId::AuditSegment],
    ),
    (
        "audit/tests/audit/disk.rs",
        "a_log_that_was_ended_is_signed_and_still_takes_what_comes_late",
        &[EventId::AuditClosed],
    ),
    (
        "audit/tests/audit/disk.rs",
        "a_start_says_whether_the_process_before_ended_in_order",
        &[EventId::AuditOpened, EventId::AuditRecovered],
    ),
    (
        "audit/tests/audit/purged.rs",
        "what_cannot_go_is_recorded_and_goes_at_the_next_start",
        &[EventId::AuditPurge, EventId::AuditPurgeFailed],
    ),
    (
        "audit/tests/audit/purged.rs",
        "what_goes_is_recorded_and_sealed_and_the_log_goes_on",
        &[EventId::AuditPurged],
    ),
    (
        "audit/tests/audit/purged.rs",
        "what_only_a_clock_made_old_does_not_go_and_that_it_jumped_is_recorded",
        &[EventId::AuditClockJumped],
    ),
    (
        "audit/tests/audit/shipped.rs",
        "a_cursor_of_another_log_or_of_none_begins_anew_and_says_so",
        &[EventId::SinkRestarted],
    ),
    (
        "audit/tests/audit/shipped.rs",
        "a_receiver_that_is_down_is_tried_again_and_told_of_once",
        &[EventId::SinkFailed, EventId::SinkRecovered],
    ),
    (
        "audit/tests/audit/shipped.rs",
        "one_record_that_is_refused_is_put_aside_and_the_rest_goes_on",
        &[EventId::SinkRefused],
    ),
    (
        "audit/tests/audit/shipped.rs",
        "segments_that_are_gone_before_they_were_delivered_are_told",
        &[EventId::SinkLost],
    ),
    (
        "audit/tests/audit/told.rs",
        "a_checkpoint_is_recorded_and_goes_where_records_go",
        &[EventId::AuditCheckpoint],
    ),
    (
        "audit/tests/audit/told.rs",
        "a_key_that_cannot_follow_is_recorded_and_signs_nothing",
        &[EventId::AuditKeyChange, EventId::AuditKeyFailed],
    ),
    (
        "audit/tests/audit/told.rs",
        "a_place_outside_that_takes_no_checkpoint_leaves_a_record_once",
        &[EventId::AuditCheckpointFailed, EventId::AuditCheckpointRecovered],
    ),
    (
        "audit/src/verify/tests/followed.rs",
        "a_key_that_was_followed_goes_on_with_no_log",
        &[EventId::AuditKeyChanged],
    ),
    (
        "gateway/tests/promises/below.rs",
        "of_a_flood_some_are_recorded_and_the_rest_is_counted",
        &[EventId::ConnectionFlood],
    ),
    (
        "gateway/tests/promises/below.rs",
        "what_http_1_refuses_by_itself_has_its_record",
        &[EventId::ConnectionHttp1Refused],
    ),
    (
        "gateway/tests/promises/below.rs",
        "what_http_2_refuses_by_itself_has_its_record_before_it_goes_out",
        &[EventId::ConnectionHttp2Refused],
    ),
    (
        "gateway/tests/promises/bodies.rs",
        "what_cannot_be_kept_is_refused_where_its_record_must_be_safe_and_told_where_not",
        &[EventId::BodiesKept, EventId::BodiesLost],
    ),
    (
        "gateway/tests/promises/guesses.rs",
        "a_flood_is_recorded_as_one_with_how_many_it_was",
        &[EventId::CredentialsWrong],
    ),
    (
        "gateway/tests/promises/proxies.rs",
        "the_proxy_protocol_says_it_at_the_beginning_of_a_connection",
        &[EventId::ConnectionProxyRefused],
    ),
    (
        "gateway/tests/promises/strangers.rs",
        "a_flood_of_strangers_is_counted_and_who_is_known_is_told",
        &[EventId::StrangersRefused],
    ),
    (
        "gateway/tests/promises/tls.rs",
        "a_handshake_that_fails_leaves_a_record_that_says_why",
        &[EventId::ConnectionTlsFailed],
    ),
    (
        "oauth/tests/oauth/account.rs",
        "a_person_sees_what_they_allowed_and_takes_it_back_at_once",
        &[EventId::ConsentRevoked],
    ),
    (
        "oauth/tests/oauth/consent.rs",
        "a_page_that_does_not_say_what_it_showed_allows_nothing",
        &[EventId::ConsentChanged],
    ),
    (
        "oauth/tests/oauth/device.rs",
        "a_person_allows_a_device_and_it_gets_tokens_in_their_name",
        &[
            EventId::ConsentGiven,
            EventId::DeviceBegin,
            EventId::DeviceFound,
            EventId::DeviceWait,
            EventId::TokenIssue,
        ],
    ),
    (
        "oauth/tests/oauth/device.rs",
        "codes_are_not_guessed",
        &[EventId::DeviceSlowed, EventId::DeviceUnknown],
    ),
    (
        "oauth/tests/oauth/guessing.rs",
        "guesses_that_come_all_at_once_are_counted_before_they_are_checked",
        &[EventId::SignInSlowed],
    ),
    (
        "oauth/tests/oauth/pushed.rs",
        "what_was_pushed_is_what_is_asked_for",
        &[EventId::AuthorizationPush],
    ),
    (
        "oauth/tests/oauth/records.rs",
        "a_page_that_refuses_is_recorded_as_a_refusal",
        &[
            EventId::AuthorizationBegin,
            EventId::ConsentDenied,
            EventId::SignIn,
            EventId::SignInFailed,
        ],
    ),
    (
        "oauth/tests/oauth/records.rs",
        "what_is_asked_where_nothing_is_leaves_a_record",
        &[EventId::EndpointUnknown],
    ),
    (
        "oauth/tests/oauth/records.rs",
        "whatever_is_asked_has_one_record_with_its_status",
        &[
            EventId::AccountRead,
            EventId::AuthorizationResume,
            EventId::ClientRegister,
            EventId::DeviceRead,
            EventId::SecondFactorRemoved,
            EventId::SignInBegin,
            EventId::SignOut,
            EventId::TokenIntrospect,
            EventId::TokenRevoke,
        ],
    ),
    (
        "oauth/tests/oauth/records.rs",
        "who_reads_what_everybody_may_read_is_recorded",
        &[EventId::KeySetRead, EventId::MetadataRead],
    ),
    (
        "oauth/tests/oauth/second_factor.rs",
        "who_set_an_app_up_signs_in_with_its_codes_and_tokens_say_so",
        &[EventId::SecondFactorBegin, EventId::SecondFactorSetUp, EventId::SignInFirstStep],
    ),
    (
        "onedoor/tests/onedoor/bodies.rs",
        "a_subject_is_forgotten_for_good_and_the_log_is_checked_as_before",
        &[EventId::BodiesForget],
    ),
    (
        "onedoor/tests/onedoor/init.rs",
        "the_first_operator_is_made_once_and_recorded_as_is_who_comes_too_late",
        &[EventId::OperatorFirst],
    ),
    (
        "onedoor/tests/onedoor/metrics.rs",
        "metrics_are_off_unless_they_are_asked_for_and_are_nowhere_else",
        &[EventId::MetricsRead, EventId::MetricsRefused],
    ),
    (
        "onedoor/tests/onedoor/peppers.rs",
        "a_key_encryption_key_is_replaced_without_a_restart",
        &[EventId::KeyKeyringRead, EventId::KeyKeyringRefused],
    ),
    (
        "onedoor/tests/onedoor/peppers.rs",
        "a_pepper_is_replaced_online_and_taken_out_when_nothing_depends_on_it",
        &[EventId::KeyPepperRead, EventId::KeyPepperRefused],
    ),
    (
        "onedoor/tests/onedoor/serve.rs",
        "a_change_of_the_folder_is_in_force_and_a_faulty_one_is_not",
        &[EventId::StateRefused, EventId::StateSwapped],
    ),
    (
        "onedoor/tests/onedoor/tls.rs",
        "certificates_are_reloaded_while_connections_go_on",
        &[EventId::TlsCertificateRead, EventId::TlsCertificateRefused],
    ),
];

/// The faults of a project that declares events.
pub(crate) fn check(files: &[File]) -> Vec<Fault> {
    let sources: HashMap<&str, &str> = files.iter().map(|it| (&*it.path, &*it.text)).collect();
    match files.iter().find(|it| &*it.path == DECLARED) {
        Some(declared) => unseen(declared).into_iter().chain(unshown(&sources)).collect(),
        None => Vec::new(),
    }
}

/// Events that no test is said to see.
fn unseen(declared: &File) -> Vec<Fault> {
    let is_seen = |event: EventId| SEEN.iter().any(|it| it.2.contains(&event));
    let unseen = EventId::ALL.iter().filter(|it| !is_seen(**it));
    let fault = |event: &EventId| {
        let message = format!("no test is said to see the event {}", event.as_str());
        Fault::new(&declared.line(0), message, format!("write one, and name it in {HERE}"))
    };
    unseen.map(fault).collect()
}

/// Tests that are not there, or that do not name the event themselves.
fn unshown(sources: &HashMap<&str, &str>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, test, events) in SEEN {
        let is_there = shown::is_there(sources, path.trim_end_matches(".rs"), test);
        let path = format!("crates/{path}");
        let text = sources.get(&*path).and_then(|it| body(it, test)).unwrap_or_default();
        let mut wrong = Vec::new();
        if !is_there {
            wrong.push(format!("there is no test {test}"));
        }
        let missing = events.iter().filter(|it| !names(text, it.as_str()));
        wrong.extend(missing.map(|it| format!("{test} is said to see {}", it.as_str())));
        let place = Place::new(&path.as_str().into(), 0);
        let help = format!("mend it, or name another test in {HERE}");
        faults.extend(wrong.into_iter().map(|it| Fault::new(&place, it, help.clone())));
    }
    faults
}

/// The function `name`, from its arguments to the brace that stands as far in as it does.
fn body<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let (before, from) = source.split_once(&format!("fn {name}("))?;
    let line = before.rsplit('\n').next()?;
    let indent = line.split(|it: char| !it.is_whitespace()).next()?;
    from.split(&format!("\n{indent}}}")).next()
}

/// Whether a source has the word by itself, as the whole of a text.
fn names(source: &str, word: &str) -> bool {
    // A text within a text has its quotes behind a backslash.
    [format!("\"{word}\""), format!("\"{word}\\\"")].iter().any(|it| source.contains(it.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn a_test_that_is_gone_and_one_that_sees_nothing_are_faults() {
        assert!(check(&[file("crates/a/src/lib.rs", "")]).is_empty());
        let declared = file(DECLARED, "");
        let is_about =
            |files: &[File], word: &str| check(files).iter().any(|it| it.message.ends_with(word));
        let told = "crates/audit/tests/audit/told.rs";
        let test = "a_checkpoint_is_recorded_and_goes_where_records_go";
        let whole = file(told, &format!("#[test]\nfn {test}() {{ \"audit.checkpoint\" }}"));
        let files = [declared, whole];
        assert!(!is_about(&files, test) && !is_about(&files, "audit.checkpoint"));
        let [declared, _] = files;
        let files = [declared, file(told, "fn another() { \"audit.checkpoints\" }")];
        assert!(is_about(&files, test) && is_about(&files, "audit.checkpoint"));
        let [declared, _] = files;
        let beside =
            format!("#[test]\nfn {test}() {{\n}}\n\nfn another() {{ \"audit.checkpoint\" }}");
        let files = [declared, file(told, &beside)];
        assert!(!is_about(&files, test) && is_about(&files, "audit.checkpoint"));
    }

    #[test]
    fn a_function_ends_where_it_began() {
        let source = "mod m {\n    async fn a(it: u8) {\n        {\n        }\n    }\n}\nfn b() {\n}\nfn c() {}";
        assert_eq!(body(source, "a"), Some("it: u8) {\n        {\n        }"));
        assert_eq!(body(source, "b"), Some(") {"));
        assert_eq!(body(source, "c"), Some(") {}"));
        assert_eq!(body(source, "d"), None);
    }

    #[test]
    fn each_event_is_said_to_be_seen() {
        assert_eq!(unseen(&file(DECLARED, "")).len(), 0);
    }
}
