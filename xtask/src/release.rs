//! `cargo xtask release`: the program as it is fastest, arranged by what it does under load.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{bench, install, run, workspace::Workspace};

/// Debian's tool for profiles, and its package. It reads what the compiler's own version of LLVM writes
/// for as long as that keeps the format.
const DEBIAN_TOOL: (&str, &str) = ("llvm-profdata-19", "llvm-19");

/// Builds the program as it is fastest: optimized for what it does under load.
///
/// Builds it twice. The first build counts what it does while calls of all kinds go through it (REST
/// with keys and tokens, MCP, token requests, TLS, HTTP/2); the second puts what is done most
/// where it is done fastest (profile-guided optimization). It behaves as that of `cargo build
/// --release` does, which takes half the time: some twenty minutes go by on two cores. Compare them with
/// `cargo xtask bench --program PATH`.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// How long each kind of call is made.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        let workspace = Workspace::read(Path::new("."))?;
        let place = Place::new(&workspace)?;
        let merge = merger(&place)?;
        bench::install_exercises()?;
        println!("1/4  building what counts");
        let counting = place.build("counting", &flag("-Cprofile-generate=", &place.counts))?;
        println!("2/4  counting under load");
        bench::exercise(&counting, self.seconds)?;
        println!("3/4  adding up");
        let profile = place.folder.join("profile");
        let counts = counts(&place.counts)?;
        run::run(
            run::program(merge, &place.folder).arg("merge").arg("-o").arg(&profile).args(counts),
        )?;
        println!("4/4  building what is fast");
        let built = place.build("guided", &flag("-Cprofile-use=", &profile))?;
        let program = place.folder.join("onedoor");
        fs::copy(&built, &program).with_context(|| program.display().to_string())?;
        println!("{}", program.display());
        Ok(())
    }
}

/// Where all of it happens: beside the usual builds, so that it makes none of them anew.
struct Place {
    root: PathBuf,
    folder: PathBuf,
    /// Where the program that counts leaves its counts.
    counts: PathBuf,
    /// What it is built for. Said to cargo, so that no build script counts, too.
    host: String,
}

impl Place {
    fn new(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("profile-guided");
        let counts = folder.join("counts");
        // Those of another program would be of no use to this one.
        match fs::remove_dir_all(&counts) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| counts.display().to_string());
            }
            Ok(()) | Err(_) => {}
        }
        fs::create_dir_all(&counts).with_context(|| counts.display().to_string())?;
        let version = run::output(run::program("rustc", &workspace.root).arg("-vV"))?;
        let host = host(&version).context("rustc -vV names no host")?.to_owned();
        Ok(Self { root: workspace.root.clone(), folder, counts, host })
    }

    /// Builds the program with one more flag of the compiler.
    fn build(&self, name: &str, flag: &OsStr) -> Result<PathBuf> {
        let target = self.folder.join(name);
        let mut build = run::program("cargo", &self.root);
        build.args(["build", "--release", "--locked", "--package", "onedoor"]);
        build.args(["--target", &self.host]).arg("--target-dir").arg(&target);
        // One flag as it is, whatever its path has in it.
        run::run(build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flag))?;
        Ok(target.join(&self.host).join("release").join("onedoor"))
    }
}

/// The tool that adds counts up: rustup's, or else Debian's.
fn merger(place: &Place) -> Result<PathBuf> {
    let sysroot = run::output(run::program("rustc", &place.root).args(["--print", "sysroot"]))?;
    let tools = Path::new(sysroot.trim()).join("lib/rustlib").join(&place.host).join("bin");
    let own = tools.join("llvm-profdata");
    if own.is_file() {
        return Ok(own);
    }
    let (program, package) = DEBIAN_TOOL;
    install::debian(program, package)
        .context("counts can be added up by no program: `rustup component add llvm-tools`")?;
    Ok(program.into())
}

/// The files of counts: one, to which each process of the program adds its own as it ends.
fn counts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths = entries.map(|it| Ok(it?.path())).collect::<std::io::Result<Vec<_>>>()?;
    ensure!(!paths.is_empty(), "the program left no counts in {}", folder.display());
    Ok(paths)
}

fn flag(name: &str, value: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(value);
    flag
}

/// What `rustc -vV` says that it is built for.
fn host(version: &str) -> Option<&str> {
    version.lines().find_map(|it| it.strip_prefix("host: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_for_the_host_that_the_compiler_names() {
        let said = "rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\n";
        assert_eq!(host(said), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.95.0\n"), None);
    }

    #[test]
    fn a_program_that_left_no_counts_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = counts(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("the program left no counts in "), "{error}");
        fs::write(folder.path().join("a.profraw"), "").unwrap();
        assert_eq!(counts(folder.path()).unwrap(), [folder.path().join("a.profraw")]);
    }
}
