//! Floors and homes: which crate may depend on which.

use std::{fs, path::Path, sync::Arc};

use model::{Fault, Place};

use super::house::House;
use crate::workspace::{Dependency, Package, Workspace};

/// The faults of all manifests.
pub(crate) fn check(workspace: &Workspace, house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let manifest = Manifest::read(&workspace.root, package);
        faults.extend(of_package(package, &manifest, house));
        for dependency in &package.dependencies {
            faults.extend(of_dependency(package, dependency, &manifest, house));
        }
    }
    faults.extend(absent(workspace, house));
    faults
}

/// A manifest's text, to say on which line a fault is.
struct Manifest {
    file: Arc<str>,
    text: String,
}

impl Manifest {
    fn read(root: &Path, package: &Package) -> Self {
        let path = &package.manifest_path;
        let file = path.strip_prefix(root).unwrap_or(path).display().to_string();
        Self { file: file.into(), text: fs::read_to_string(path).unwrap_or_default() }
    }

    fn whole(&self) -> Place {
        Place::new(&self.file, 0)
    }

    /// Where the dependency is named; the whole file where it is renamed or written otherwise.
    fn line_of(&self, dependency: &str) -> Place {
        let names = |line: &str| {
            line.trim_start()
                .strip_prefix(dependency)
                .is_some_and(|rest| rest.trim_start().starts_with(['.', '=']))
        };
        let line = self.text.lines().position(names).map_or(0, |it| it.saturating_add(1));
        Place::new(&self.file, u32::try_from(line).unwrap_or(0))
    }
}

fn of_package(package: &Package, manifest: &Manifest, house: &House) -> Vec<Fault> {
    let name = &package.name;
    let mut faults = Vec::new();
    let mut fault = |message: String, help: &str| {
        faults.push(Fault::new(&manifest.whole(), message, help));
    };
    if floor_of(name, house).is_none() && !house.beside.contains(&name.as_str()) {
        fault(
            format!("crate \"{name}\" is on no floor"),
            "say where it stands in xtask/src/tidy/house.rs and in ARCHITECTURE.md",
        );
    }
    let folder = package.manifest_path.parent().and_then(Path::file_name);
    if folder.is_none_or(|it| it != name.as_str()) {
        fault(
            format!("crate \"{name}\" lives in a folder of another name"),
            "name the folder after the crate",
        );
    }
    if package.description.as_deref().unwrap_or_default().is_empty() {
        fault(
            format!("crate \"{name}\" does not say what it is"),
            "give it a description of one line",
        );
    }
    if !manifest.text.contains("[lints]\nworkspace = true") {
        fault(
            format!("crate \"{name}\" goes without the lints of the workspace"),
            "add [lints] with workspace = true",
        );
    }
    faults
}

fn of_dependency(
    package: &Package,
    dependency: &Dependency,
    manifest: &Manifest,
    house: &House,
) -> Vec<Fault> {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    let mut faults = Vec::new();
    let mut fault = |message: String, help: String| {
        faults.push(Fault::new(&manifest.line_of(to), message, help));
    };
    for never in house.never {
        if never.from.contains(&from) && never.to.contains(&to) {
            fault(format!("\"{from}\" must never import \"{to}\""), never.because.to_owned());
        }
    }
    // Tests may look wherever else they like.
    if dependency.is_dev() {
        return faults;
    }
    let is_beside = house.beside.contains(&from);
    if let (Some(above), Some(below)) = (floor_of(from, house), floor_of(to, house))
        && below >= above
    {
        fault(
            format!("\"{from}\" must not import \"{to}\", which stands on no floor below it"),
            "move what both need down into model, or let the floor above bring them together"
                .to_owned(),
        );
    }
    if !is_beside && house.beside.contains(&to) {
        fault(
            format!("\"{from}\" must not import \"{to}\", which stands beside the house"),
            "make it a dev-dependency".to_owned(),
        );
    }
    for home in house.homes {
        if home.dependencies.contains(&to) && !home.crates.contains(&from) {
            fault(
                format!("\"{from}\" must not import \"{to}\", whose home is {}", list(home.crates)),
                "ask the home for what you need, or give the dependency another home in \
                 xtask/src/tidy/house.rs and say why in docs/adr"
                    .to_owned(),
            );
        }
    }
    faults
}

/// Crates that the rules name and that are not there: such a rule holds nothing.
fn absent(workspace: &Workspace, house: &House) -> Vec<Fault> {
    let place = Place::new(&"xtask/src/tidy/house.rs".into(), 0);
    let is_there = |name: &&str| workspace.packages.iter().any(|it| it.name == **name);
    house
        .floors
        .iter()
        .copied()
        .flatten()
        .chain(house.beside)
        .filter(|it| !is_there(it))
        .map(|name| {
            let message = format!("there is no crate \"{name}\"");
            Fault::new(&place, message, "take it out of the rules, or bring it back")
        })
        .collect()
}

fn floor_of(name: &str, house: &House) -> Option<usize> {
    house.floors.iter().position(|it| it.contains(&name))
}

fn list(names: &[&str]) -> String {
    names.join(", ")
}
