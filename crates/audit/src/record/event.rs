//! The words for what happens: one closed list, for what writes the log and for who reads it.

use super::Kind;

/// Makes the list out of words, under the kind of record that has them.
macro_rules! events {
    ($($kind:ident { $($name:ident => $word:literal,)+ })+) => {
        /// What happened, where the [`Kind`] of a record does not say it all.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventId {
            $($(#[doc = concat!("`", $word, "`")] $name,)+)+
        }

        impl EventId {
            /// All of them, by the kind of their records.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The word for it in a line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => $word,)+)+
                }
            }

            /// What its records are of.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self {
                    $($(Self::$name)|+ => Kind::$kind,)+
                }
            }
        }
    };
}

events! {
    Authorization {
        AccountRead => "account.read",
        AuthorizationBegin => "authorization.begin",
        AuthorizationPush => "authorization.push",
        AuthorizationResume => "authorization.resume",
        ClientRegister => "client.register",
        ConsentChanged => "consent.changed",
        ConsentDenied => "consent.denied",
        ConsentGiven => "consent.given",
        ConsentRevoked => "consent.revoked",
        DeviceBegin => "device.begin",
        DeviceFound => "device.found",
        DeviceRead => "device.read",
        DeviceSlowed => "device.slowed",
        DeviceUnknown => "device.unknown",
        DeviceWait => "device.wait",
        EndpointUnknown => "endpoint.unknown",
        KeySetRead => "key_set.read",
        MetadataRead => "metadata.read",
        SecondFactorBegin => "second_factor.begin",
        SecondFactorRemoved => "second_factor.removed",
        SecondFactorSetUp => "second_factor.set_up",
        SignIn => "sign_in",
        SignInBegin => "sign_in.begin",
        SignInFailed => "sign_in.failed",
        SignInFirstStep => "sign_in.first_step",
        SignInSlowed => "sign_in.slowed",
        SignOut => "sign_out",
        TokenIntrospect => "token.introspect",
        TokenIssue => "token.issue",
        TokenRevoke => "token.revoke",
    }
    Bodies {
        BodiesKept => "bodies.kept",
        BodiesLost => "bodies.lost",
    }
    Event {
        BodiesForget => "bodies.forget",
        CredentialDue => "credential.due",
        CredentialExpired => "credential.expired",
        CredentialIssued => "credential.issued",
        CredentialRetired => "credential.retired",
        CredentialRevoked => "credential.revoked",
        CredentialRotated => "credential.rotated",
        CredentialsWrong => "credentials.wrong",
        KeyKeyringRead => "key.keyring_read",
        KeyKeyringRefused => "key.keyring_refused",
        KeyPepperRead => "key.pepper_read",
        KeyPepperRefused => "key.pepper_refused",
        MetricsRead => "metrics.read",
        MetricsRefused => "metrics.refused",
        OperatorFirst => "operator.first",
        SinkFailed => "sink.failed",
        SinkLost => "sink.lost",
        SinkRecovered => "sink.recovered",
        SinkRefused => "sink.refused",
        SinkRestarted => "sink.restarted",
        StateRefused => "state.refused",
        StateSwapped => "state.swapped",
        StrangersRefused => "strangers.refused",
        TlsCertificateRead => "tls.certificate_read",
        TlsCertificateRefused => "tls.certificate_refused",
    }
    Log {
        AuditCheckpoint => "audit.checkpoint",
        AuditCheckpointFailed => "audit.checkpoint_failed",
        AuditCheckpointRecovered => "audit.checkpoint_recovered",
        AuditClockJumped => "audit.clock_jumped",
        AuditClosed => "audit.closed",
        AuditFull => "audit.full",
        AuditKeyChange => "audit.key_change",
        AuditKeyChanged => "audit.key_changed",
        AuditKeyFailed => "audit.key_failed",
        AuditLowRoom => "audit.low_room",
        AuditOpened => "audit.opened",
        AuditPurge => "audit.purge",
        AuditPurgeFailed => "audit.purge_failed",
        AuditPurged => "audit.purged",
        AuditRecovered => "audit.recovered",
        AuditResumed => "audit.resumed",
        AuditSegment => "audit.segment",
    }
    Malformed {
        ConnectionFlood => "connection.flood",
        ConnectionHttp1Refused => "connection.http1_refused",
        ConnectionHttp2Refused => "connection.http2_refused",
        ConnectionProxyRefused => "connection.proxy_refused",
        ConnectionTlsFailed => "connection.tls_failed",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_events_have_the_same_word_and_none_that_of_a_kind() {
        let kinds = Kind::ALL.iter().map(|it| it.as_str());
        let words: HashSet<_> = EventId::ALL.iter().map(|it| it.as_str()).chain(kinds).collect();
        assert_eq!(words.len(), EventId::ALL.len() + Kind::ALL.len());
        let is_word =
            |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "._".contains(it);
        assert!(words.iter().all(|it| it.chars().all(is_word)), "{words:?}");
    }
}
