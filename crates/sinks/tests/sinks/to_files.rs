//! Files of this machine.

use std::fs;

use audit::Format;
use sinks::{File, Receiver};

use crate::ground::Ground;

#[test]
fn a_file_is_rotated_and_keeps_every_line_once() {
    let ground = Ground::new(200);
    let path = ground.path().join("out.jsonl");
    // A line that a crash left in part.
    fs::write(&path, "{\"seq\":").unwrap();
    let receiver = Receiver::File(File { path: path.clone(), bytes_max: 20_000, kept: 9 });
    let delivered = ground.sink(Format::Native, receiver).drain();
    let parts = (1..9).rev().map(|it| ground.path().join(format!("out.jsonl.{it}")));
    let parts: Vec<_> = parts.filter(|it| it.exists()).chain([path]).collect();
    assert!(parts.len() > 2, "{parts:?}");
    let written: String = parts.iter().map(|it| fs::read_to_string(it).unwrap()).collect();
    assert_eq!(written.lines().collect::<Vec<_>>(), delivered);
}
