//! Asks the door that serves a data folder.

use std::{io, path::Path, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use model::Secret;
use tokio::{io::AsyncWriteExt as _, net::UnixStream, time::timeout};

use super::{Ask, LINE_TIMEOUT, NAME, ROOT, Told, own_user, read_line};
use crate::first::First;

/// Longest wait for the answer: a store may take its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Has the door that serves the data folder `data` make the first operator, and gives back its key.
/// None where no door serves it.
///
/// # Errors
/// What the door says, or why it cannot be asked.
pub(crate) async fn ask(data: &Path, first: &First) -> anyhow::Result<Option<Secret<String>>> {
    let path = data.join(NAME);
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        // There is none, or it was left behind by a door that was killed.
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| {
                let shown = path.display();
                format!("cannot ask the door at {shown}: run this as the user that runs the door")
            });
        }
    };
    if !is_believed(stream.peer_cred()?.uid(), own_user()?) {
        bail!("{} is another user's: run this as the user that runs the door", path.display());
    }
    let First { client, owner, expires } = first;
    let ask =
        Ask { client: client.to_string(), owner: owner.clone(), expires: expires.to_string() };
    let line = format!("{}\n", serde_json::to_string(&ask)?);
    let broken = "the door did not answer: look whether it runs, and try again";
    timeout(LINE_TIMEOUT, stream.write_all(line.as_bytes())).await.context(broken)??;
    let line = read_line(&mut stream, ANSWER_TIMEOUT).await.context(broken)?;
    match serde_json::from_str(&line) {
        Ok(Told::Key(key)) => Ok(Some(Secret::new(key))),
        Ok(Told::Refused(reason)) => Err(anyhow!(reason)),
        Err(_) => Err(anyhow!("the door's answer is none: is it of another version?")),
    }
}

fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    // The path of a socket has a bound: where it is too long for us, it was for the door.
    matches!(error.kind(), ConnectionRefused | InvalidInput | NotFound)
}

/// A key from somebody else is none of ours. Root may work for everybody.
fn is_believed(door: u32, own: u32) -> bool {
    door == own || own == ROOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_door_of_ours_is_believed() {
        for (door, own, want) in [(7, 7, true), (0, 0, true), (7, 0, true), (8, 7, false)] {
            assert_eq!(is_believed(door, own), want, "door of {door}, asked by {own}");
        }
    }
}
