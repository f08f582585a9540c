//! The conversations of `bots.toml`, held by the program as `cargo run -- test` does it.

use std::process::Command;

#[test]
fn the_tests_of_the_configuration_pass() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_own-plugin"));
    let outcome = program.arg("test").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let (said, failed) =
        (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(outcome.status.success() && said.ends_with("3 tests passed\n"), "{said}{failed}");
}
