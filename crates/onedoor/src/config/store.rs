//! `[store]`: where desired state is kept, unless a folder is served.

use model::Secret;

use super::Reader;

/// Where desired state is kept.
#[derive(Debug)]
pub(crate) struct Store {
    /// `sqlite:PATH` or `postgres://…`; a SQLite file in the data folder where none is given.
    pub(crate) url: Option<Secret<String>>,
}

impl Store {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("store");
        let url = table.take(reader, "url", |it| match store::Location::parse(it) {
            Ok(_) => Ok(Secret::new(it.to_owned())),
            // Not what was written: it may hold a password.
            Err(error) => Err(error.to_string()),
        });
        table.finish(reader);
        Self { url }
    }

    /// Takes what the environment names, where it names one.
    ///
    /// # Errors
    /// Where that is no place for a store.
    #[expect(clippy::disallowed_methods, reason = "a password need not stand in a file")]
    pub(crate) fn or_environment(&mut self) -> anyhow::Result<()> {
        if let Ok(url) = std::env::var("ONEDOOR_STORE") {
            store::Location::parse(&url)
                .map_err(|error| anyhow::anyhow!("ONEDOOR_STORE: {error}"))?;
            self.url = Some(Secret::new(url));
        }
        Ok(())
    }
}

impl Clone for Store {
    fn clone(&self) -> Self {
        Self { url: self.url.as_ref().map(|it| Secret::new(it.expose().clone())) }
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        let text = |it: &Self| it.url.as_ref().map(|it| it.expose().clone());
        text(self) == text(other)
    }
}

impl Eq for Store {}
