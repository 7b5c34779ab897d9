//! Which folders are meant: by the command line, else by `onedoor.toml`, else the usual ones.

use std::path::PathBuf;

use model::Fault;

use crate::{cli, config::Config};

/// The folders of a process.
pub(crate) struct Places {
    /// Desired state.
    pub(crate) state: PathBuf,
    /// What this machine keeps for itself.
    pub(crate) data: PathBuf,
}

impl Places {
    /// Reads the configuration that is named, and finds the folders.
    ///
    /// # Errors
    /// Every fault of the configuration.
    pub(crate) fn of(arguments: &cli::Folders) -> Result<(Self, Config), Vec<Fault>> {
        let cli::Folders { state, data, config } = arguments;
        let config = Config::read(config.as_deref())?;
        let state = state.clone().or_else(|| config.folders.state.clone());
        let state = state.unwrap_or_else(|| PathBuf::from("state"));
        let data = data.clone().or_else(|| config.folders.data.clone());
        let data = data.unwrap_or_else(|| state.join(".onedoor"));
        Ok((Self { state, data }, config))
    }

    /// The data folder where there is no state folder: `.onedoor` unless another is named.
    pub(crate) fn data_alone(data: Option<&PathBuf>, config: &Config) -> PathBuf {
        let data = data.cloned().or_else(|| config.folders.data.clone());
        data.unwrap_or_else(|| PathBuf::from(".onedoor"))
    }
}
