//! The second verifier is one file that a stranger can read, and that says what it lacks.

use super::*;

/// So that it is read in one sitting.
const LINES_MAX: usize = 200;

#[test]
fn the_second_verifier_is_one_short_file() {
    let text = fs::read_to_string(SCRIPT).unwrap();
    assert!(text.lines().count() <= LINES_MAX, "{SCRIPT} has more than {LINES_MAX} lines");
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let elsewhere = tempfile::tempdir().unwrap();
    let alone = elsewhere.path().join("verify.py");
    fs::write(&alone, text).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(python());
        command.args(arguments).arg(&alone).arg("--key").arg(key().verifying_key().to_string());
        let output = command.arg(log.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    // Isolated: what stands beside it is not found.
    assert_eq!(run(&["-I"]), (Some(0), "ok\n".to_owned()));
    // Without what was installed.
    let (code, told) = run(&["-I", "-S"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.starts_with("unchecked: ") && told.contains("python3-cryptography"), "{told}");
}
