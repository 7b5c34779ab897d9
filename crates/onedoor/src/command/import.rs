//! `onedoor import`: writes a collection from an OpenAPI document.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use contract::Document;
use model::{Collection, Fault, Lifecycle, Place, Recording, Upstream};
use state::Folder;

use super::Failure;
use crate::{
    cli, folder,
    terminal::{Look, Terminal, counted},
};

/// Most operations and warnings that are listed; the rest is counted.
const LISTED_MAX: usize = 30;

/// Writes the collection and its document, if all is right with them.
pub(super) fn run(terminal: Terminal, arguments: &cli::Import) -> Result<(), Failure> {
    let text = folder::read(&arguments.file)?;
    let value = Arc::new(parse(&text, &arguments.file)?);
    let document = Document::read(&value)
        .with_context(|| format!("{} is no OpenAPI document", arguments.file.display()))?;
    let ending = if state::is_json(&text) { "json" } else { "yaml" };
    let files = Files {
        collection: format!("collections/{}.yaml", arguments.collection),
        document: format!("documents/{}.{ending}", arguments.collection),
    };
    files.check_absent(arguments)?;
    let collection = collection(arguments, &files, value);
    let written = state::write_collection(&collection);
    files.check_sound(&arguments.state, &written, &text)?;
    for (name, content) in [(&files.document, &text), (&files.collection, &written)] {
        let path = arguments.state.join(name);
        folder::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
        terminal.line(format_args!("wrote {}", terminal.paint(Look::Name, path.display())))?;
    }
    tell(terminal, arguments, &document)?;
    Ok(())
}

fn parse(text: &str, file: &Path) -> Result<serde_json::Value, Vec<Fault>> {
    state::parse_document(text).map_err(|(line, message)| {
        let place = Place::new(&Arc::from(file.display().to_string()), line);
        vec![Fault::new(&place, message, "correct the YAML or JSON")]
    })
}

fn collection(
    arguments: &cli::Import,
    files: &Files,
    document: Arc<serde_json::Value>,
) -> Collection {
    Collection {
        id: arguments.collection.clone(),
        title: None,
        owner: arguments.owner.clone(),
        state: Lifecycle::Published,
        base: arguments.base.clone().unwrap_or_else(|| usual_base(arguments)),
        upstream: Upstream::new(&arguments.upstream),
        document,
        document_place: Place::new(&Arc::from(files.document.as_str()), 0),
        select: None,
        overrides: BTreeMap::new(),
        recording: Recording::default(),
        place: Place::default(),
    }
}

fn usual_base(arguments: &cli::Import) -> String {
    format!("/{}", arguments.collection)
}

/// What stands before the paths of the document.
fn base(arguments: &cli::Import) -> String {
    let base = arguments.base.clone().unwrap_or_else(|| usual_base(arguments));
    base.trim_end_matches('/').to_owned()
}

/// The two files of an import, relative to the state folder.
struct Files {
    collection: String,
    document: String,
}

impl Files {
    fn check_absent(&self, arguments: &cli::Import) -> anyhow::Result<()> {
        for name in [&self.collection, &self.document] {
            let path: PathBuf = arguments.state.join(name);
            if !arguments.force && fs::symlink_metadata(&path).is_ok() {
                bail!("{} is there already: add --force to replace it", path.display());
            }
        }
        Ok(())
    }

    /// Reads the folder as it would be. What was wrong before is no reason to refuse.
    fn check_sound(&self, state: &Path, collection: &str, document: &str) -> Result<(), Failure> {
        let mut folder = Folder::new();
        if state.try_exists()? {
            folder = folder::load(state)?.folder;
        }
        let before = state::read(&folder).err().unwrap_or_default();
        for (name, text) in [(&self.collection, collection), (&self.document, document)] {
            folder.insert(name.as_str(), text).context("the state folder is full")?;
        }
        let mut after = state::read(&folder).err().unwrap_or_default();
        after.retain(|it| !before.contains(it));
        if after.is_empty() { Ok(()) } else { Err(after.into()) }
    }
}

fn tell(terminal: Terminal, arguments: &cli::Import, document: &Document) -> std::io::Result<()> {
    let id = &arguments.collection;
    let operations = document.operations();
    let names: Vec<_> = operations.iter().map(|it| (id.as_str(), it.name.as_str())).collect();
    let tools = contract::tool_names(&names);
    terminal.line(format_args!("\n{}", counted(operations.len(), "operation")))?;
    let width = tools.iter().take(LISTED_MAX).map(String::len).max().unwrap_or(0);
    for (operation, tool) in operations.iter().zip(&tools).take(LISTED_MAX) {
        let face = format!("{} {}{}", operation.method, base(arguments), operation.template);
        terminal.line(format_args!("  {tool:width$}  {:11}  {face}", operation.effect.as_str()))?;
    }
    more(terminal, operations.len())?;
    let warnings = document.warnings();
    if !warnings.is_empty() {
        terminal.line(format_args!("\n{}", counted(warnings.len(), "warning")))?;
        for warning in warnings.iter().take(LISTED_MAX) {
            let pointer = terminal.paint(Look::Dim, &warning.pointer);
            terminal.line(format_args!("  {pointer}  {}", warning.message))?;
        }
        more(terminal, warnings.len())?;
    }
    terminal.line(format_args!(
        "\nnext: let a role allow {id}:*, and run onedoor check {}",
        arguments.state.display()
    ))
}

fn more(terminal: Terminal, count: usize) -> std::io::Result<()> {
    match count.checked_sub(LISTED_MAX) {
        Some(1..) => terminal.line(format_args!("  … and {} more", count.abs_diff(LISTED_MAX))),
        Some(0) | None => Ok(()),
    }
}
