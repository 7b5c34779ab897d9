//! `users/ID.yaml`: a person with an account of this door, and the hash of their password.

use model::{SecondFactor, Timestamp, User, UserId};

use crate::{
    field::Field,
    writer::{self, Writer},
};

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
        let second_factor = it.optional("second_factor").map(read_second_factor);
        Some(User {
            name: name.map(str::to_owned),
            password: match password {
                Some(password) => Some(password?),
                None => None,
            },
            groups: groups.unwrap_or_default(),
            // What has a fault must not become "not required".
            second_factor: match second_factor {
                Some(second_factor) => second_factor?,
                None => SecondFactor::default(),
            },
            is_enabled,
            place,
            id,
        })
    })?
}

fn read_second_factor(field: Field<'_>) -> Option<SecondFactor> {
    field.mapping(|it| {
        let is_required = it.optional("required").map(|it| it.bool());
        let since = it.optional("since").map(|it| it.parse(Timestamp::parse));
        Some(SecondFactor {
            is_required: is_required.unwrap_or(Some(false))?,
            since: match since {
                Some(since) => Some(since?),
                None => None,
            },
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
    let User { id: _, name, password, groups, second_factor, is_enabled, place: _ } = user;
    let SecondFactor { is_required, since } = second_factor;
    let mut document = Writer::new();
    document.put_some("name", name.as_deref());
    document.put_some("password", password.as_deref());
    document.put_list("groups", groups);
    if *second_factor != SecondFactor::default() {
        let mut written = Writer::new();
        written.put_if(*is_required, "required", true);
        written.put_some("since", since.map(writer::time));
        document.put("second_factor", written.value());
    }
    document.put_if(!is_enabled, "enabled", false);
    document.text()
}
