//! The secret of a client that registered itself was found by somebody: the client ends.

use model::KeyHash;
use store::Registration;

use super::register;
use crate::Server;

/// Registrations that are read at once.
const PAGE: u32 = 1_000;

impl Server {
    /// Ends the client that registered itself and whose secret has one of these hashes, with all that
    /// it was given. Its id; none where there is none.
    ///
    /// # Errors
    /// What the store says. To do it twice does no harm.
    pub async fn end_registered_client(
        &self,
        secret: &[KeyHash],
    ) -> Result<Option<String>, store::Error> {
        let Some(id) = self.registered_with(secret).await? else { return Ok(None) };
        self.delete_registration(&id).await?;
        Ok(Some(id))
    }

    async fn registered_with(&self, secret: &[KeyHash]) -> Result<Option<String>, store::Error> {
        // What was found is no secret of a client: that costs no look at all rows.
        if secret.is_empty() {
            return Ok(None);
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.store.registrations(after.as_deref(), PAGE).await?;
            let Some(last) = page.last().map(|it| it.id.clone()) else { return Ok(None) };
            // By its HMAC, which nobody can guess: how long comparing takes tells nothing.
            let is_found =
                |it: &Registration| register::hash(&it.body).is_some_and(|it| secret.contains(&it));
            if let Some(found) = page.into_iter().find(is_found) {
                return Ok(Some(found.id));
            }
            after = Some(last);
        }
    }
}
