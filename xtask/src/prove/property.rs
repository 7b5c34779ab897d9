//! The properties of the management plane, in the order in which they are proved.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use super::{Done, surfaces};

/// Something that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Property {
    /// Every operation gives one result, decision and record over REST and MCP.
    Surfaces,
}

/// What a proof works with.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The project's folder.
    pub(super) root: &'a Path,
    /// The built onedoor.
    pub(super) program: &'a Path,
    /// A folder of its own, gone afterwards.
    pub(super) folder: &'a Path,
    /// Whether the counts are those of a release.
    pub(super) is_full: bool,
}

impl Property {
    pub(super) const ALL: [Self; 1] = [Self::Surfaces];

    /// What it is called on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    pub(super) fn prove(self, setting: &Setting<'_>) -> Result<Done> {
        match self {
            Self::Surfaces => surfaces::prove(setting),
        }
    }
}
