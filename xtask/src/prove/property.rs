//! What is proved of each part, in this order.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use super::{
    Done, Part, asvs, audit, canary, conformance, crash, external, import, jose, large, replay,
    replicas, revocation, roles, rotation, schemathesis, strict, surfaces, under_way, url_only,
    wycheproof,
};

/// Something that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Property {
    /// Every operation gives one result, decision and record over REST, MCP and the command line.
    Surfaces,
    /// The roles that are always there may call what is declared, and an auditor changes nothing.
    Roles,
    /// A change on one replica is in force on the other within a second, and no call fails.
    Replicas,
    /// After SIGKILL in the middle of writes, what was acknowledged is there, and nothing is half.
    Crash,
    /// A large state starts in time, and a change of it is in force in time.
    Large,
    /// The whole description of GitHub is imported in time, in little memory.
    Import,
    /// No secret is in any answer, log, record, argument or database file.
    Canary,
    /// No request that schemathesis makes is answered by a 5xx or an undocumented status.
    Schemathesis,
    /// Tokens that four independent libraries make are accepted when good, and refused when not.
    Jose,
    /// The vectors of project Wycheproof are accepted when valid, and refused when not.
    Wycheproof,
    /// Each item of ASVS 5.0, chapter 10, has a reason or tests, and these pass.
    Asvs,
    /// Where the door gives no tokens itself, those of a provider of others get in.
    External,
    /// The scenarios of MCP's conformance suite for authorization servers.
    Conformance,
    /// Strict clients of others get through all flows, and are refused where they have to be.
    Strict,
    /// Credentials are rotated while they are used, and no call fails.
    Rotation,
    /// What is revoked, disabled or stopped gets nobody in on any replica a second later.
    Revocation,
    /// Calls under way end where what they stand on is taken away.
    UnderWay,
    /// A proof of a key gets in once, whichever of two replicas it is shown to first.
    Replay,
    /// Official MCP clients get in by a URL alone, refresh, ask for more, and are put out.
    UrlOnly,
    /// After SIGKILL anywhere and at every marked place no call is without its record.
    Killed,
    /// Where a disk is full or fails, or descriptors run out, calls are refused, and go on by themselves.
    Disk,
    /// A time of day that jumps stops no call, is recorded, and makes nothing old.
    Clock,
    /// Random damages of a log are found, and two verifiers agree on each.
    Damages,
    /// What a record costs at either level, beside a disk that does nothing else.
    Cost,
    /// Receivers in any trouble hold up no call and get every record, and a liar is found.
    Sinks,
    /// Records are found, all of them, and an index of them is made, in time.
    Query,
}

/// What a proof works with.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The built onedoor.
    pub(super) program: &'a Path,
    /// A folder of its own, gone afterwards.
    pub(super) folder: &'a Path,
    /// Whether the counts are those of a release.
    pub(super) is_full: bool,
    /// Where chance begins.
    pub(super) seed: u64,
}

impl Property {
    /// Those of a part, in the order in which they are proved.
    pub(super) const fn of(part: Part) -> &'static [Self] {
        match part {
            Part::Audit => &[
                Self::Killed,
                Self::Disk,
                Self::Clock,
                Self::Damages,
                Self::Sinks,
                Self::Query,
                Self::Cost,
            ],
            Part::Identity => &[
                Self::UrlOnly,
                Self::Conformance,
                Self::Strict,
                Self::Jose,
                Self::Wycheproof,
                Self::Asvs,
                Self::External,
                Self::Revocation,
                Self::UnderWay,
                Self::Replay,
                Self::Rotation,
            ],
            Part::Management => &[
                Self::Surfaces,
                Self::Roles,
                Self::Replicas,
                Self::Crash,
                Self::Large,
                Self::Import,
                Self::Canary,
                Self::Schemathesis,
            ],
        }
    }

    /// What it is called on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether chance has a say in it, so that the seed is wanted along with the figure.
    pub(super) fn draws(self, is_full: bool) -> bool {
        match self {
            Self::Crash | Self::Killed | Self::Revocation | Self::Rotation | Self::Sinks => true,
            // Quick, it is a test that everybody runs, which begins at the same place each time.
            Self::Damages => is_full,
            Self::Surfaces
            | Self::Roles
            | Self::Replicas
            | Self::Large
            | Self::Import
            | Self::Canary
            | Self::Schemathesis
            | Self::Jose
            | Self::Wycheproof
            | Self::Asvs
            | Self::Replay
            | Self::External
            | Self::Conformance
            | Self::Strict
            | Self::UnderWay
            | Self::UrlOnly
            | Self::Disk
            | Self::Clock
            | Self::Cost
            | Self::Query => false,
        }
    }

    pub(super) fn prove(self, setting: &Setting<'_>) -> Result<Done> {
        match self {
            Self::Surfaces => surfaces::prove(setting),
            Self::Roles => roles::prove(setting),
            Self::Replicas => replicas::prove(setting),
            Self::Crash => crash::prove(setting),
            Self::Jose => jose::prove(setting),
            Self::Wycheproof => wycheproof::prove(),
            Self::Asvs => asvs::prove(),
            Self::External => external::prove(setting),
            Self::Conformance => conformance::prove(setting),
            Self::Strict => strict::prove(setting),
            Self::Rotation => rotation::prove(setting),
            Self::Revocation => revocation::prove(setting),
            Self::Large => large::prove(setting),
            Self::Import => import::prove(setting),
            Self::Canary => canary::prove(setting),
            Self::Schemathesis => schemathesis::prove(setting),
            Self::UnderWay => under_way::prove(setting),
            Self::Replay => replay::prove(setting),
            Self::UrlOnly => url_only::prove(setting),
            Self::Killed => audit::killed::prove(setting),
            Self::Disk => audit::disk::prove(setting),
            Self::Clock => audit::clock::prove(setting),
            Self::Damages => audit::damages::prove(setting),
            Self::Cost => audit::cost::prove(setting),
            Self::Sinks => audit::sinks::prove(setting),
            Self::Query => audit::query::prove(setting),
        }
    }
}
