//! Where a store is kept.

use std::path::PathBuf;

use model::Secret;

use crate::{Error, database};

/// Where a store is kept.
#[derive(Debug)]
pub enum Location {
    /// In memory, gone with the process.
    Memory,
    /// In a PostgreSQL database. Its URL may hold a password.
    Postgres(Secret<String>),
    /// In a SQLite file, made where it is missing.
    Sqlite(PathBuf),
}

impl Location {
    /// Reads `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// [`Error::Location`], which does not repeat what was written: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(Error::location("a path is missing after \"sqlite:\"")),
                ":memory:" => Err(Error::location("what is in memory is not kept: name a file")),
                path => Ok(Self::Sqlite(path.into())),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = Secret::new(text.to_owned());
            database::check_url(&url)?;
            return Ok(Self::Postgres(url));
        }
        Err(Error::location("write sqlite:PATH or postgres://USER@HOST/DATABASE"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_it_is_written() {
        let sqlite = |text| match Location::parse(text) {
            Ok(Location::Sqlite(path)) => path.display().to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(sqlite("sqlite:data/onedoor.db"), "data/onedoor.db");
        assert_eq!(sqlite("sqlite:///var/lib/onedoor.db"), "/var/lib/onedoor.db");
        assert_eq!(sqlite("sqlite:/var/lib/onedoor.db"), "/var/lib/onedoor.db");
        for url in [
            "postgres://door@db/onedoor",
            "postgresql://door:pw@db:5433/onedoor?sslmode=verify-full",
        ] {
            assert!(matches!(Location::parse(url), Ok(Location::Postgres(_))), "{url}");
        }
    }

    #[test]
    fn what_is_no_location_is_refused_without_repeating_it() {
        for text in [
            "",
            "onedoor.db",
            "sqlite:",
            "sqlite::memory:",
            "mysql://door:hunter2@db/onedoor",
            "postgres://door:hunter2@db:port/onedoor",
            "postgres://door:hunter2@[db/onedoor",
            "postgres://door:hunter2@db/onedoor?sslmode=hunter2",
        ] {
            let error = Location::parse(text).unwrap_err();
            assert!(matches!(error, Error::Location { .. }), "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let hidden = Location::parse("postgres://door:hunter2@db/onedoor").unwrap();
        assert!(!format!("{hidden:?}").contains("hunter2"));
    }
}
