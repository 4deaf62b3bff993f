//! The program, run as its user does.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `brevdue` in this folder with this input, and waits for its end.
pub(crate) fn brevdue(at: &Path, args: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
        .args(args)
        .current_dir(at)
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who is not asked for its input may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_ref()));
    child.wait_with_output().unwrap()
}

/// All that it printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Its exit code.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}
