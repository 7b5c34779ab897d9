//! Runs the binary to its end.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary in `folder`, with nothing of this machine's environment that could change its output.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onedoor"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("COLUMNS").env_remove("LINES").env_remove("NO_COLOR").env("TMPDIR", folder);
    command
}

/// Runs it with `arguments` in `folder`.
pub(crate) fn onedoor(folder: &Path, arguments: &[&str]) -> Ran {
    let output = command(folder, arguments).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes files into the folder `root`.
pub(crate) fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// An OpenAPI document with a read and a delete.
pub(crate) const DOCUMENT: &str = "\
openapi: 3.1.0
info: {title: Orders, version: '1'}
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      operationId: get_order
      summary: Get one order
      responses: {'200': {description: The order}}
    delete:
      operationId: delete_order
      responses: {'204': {description: Gone}}
";

/// A state folder with one collection, one client and one role, which may read.
pub(crate) const STATE: &[(&str, &str)] = &[
    ("state/documents/orders.yaml", DOCUMENT),
    (
        "state/collections/orders.yaml",
        "owner: team\nupstream: {url: 'http://127.0.0.1:9'}\ndocument: documents/orders.yaml\n",
    ),
    (
        "state/clients/app.yaml",
        "kind: app\nowner: team\nprofiles:\n  default:\n    roles: [reader]\n",
    ),
    ("state/roles/reader.yaml", "allow:\n  - operations: ['orders:*']\n    effects: [read]\n"),
];
