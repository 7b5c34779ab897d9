//! `users/ID.yaml`: a person with an account of this door, and the hash of their password.

use model::{User, UserId};

use crate::{field::Field, writer::Writer};

/// How the hash of a password begins: nothing weaker is taken.
const HASH: &str = "$argon2id$";

/// Reads the user `id`.
pub(crate) fn read(id: UserId, root: Field<'_>) -> Option<User> {
    let place = root.place();
    root.mapping(|it| {
        let name = it.optional("name").and_then(|it| it.text());
        let password = it.optional("password").map(|it| it.parse(parse_hash));
        let absent = "name a group, or leave the key away for none";
        let groups = it.optional("groups").and_then(|it| it.texts(absent));
        let is_enabled = it.optional("enabled").and_then(|it| it.bool()).unwrap_or(true);
        Some(User {
            name: name.map(str::to_owned),
            password: match password {
                Some(password) => Some(password?),
                None => None,
            },
            groups: groups.unwrap_or_default(),
            is_enabled,
            place,
            id,
        })
    })?
}

fn parse_hash(text: &str) -> Result<String, &'static str> {
    let is_hash = text.starts_with(HASH) && text.bytes().all(|it| it.is_ascii_graphic());
    // Not shown: whoever takes this for the place of the password itself has put it here.
    is_hash.then(|| text.to_owned()).ok_or(
        "not the hash of a password: write a PHC string that begins with $argon2id$, as \
         onedoor password makes it",
    )
}

/// The document of a user.
#[must_use]
pub fn write_user(user: &User) -> String {
    let User { id: _, name, password, groups, is_enabled, place: _ } = user;
    let mut document = Writer::new();
    document.put_some("name", name.as_deref());
    document.put_some("password", password.as_deref());
    document.put_list("groups", groups);
    document.put_if(!is_enabled, "enabled", false);
    document.text()
}
