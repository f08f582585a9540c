//! The examples of configurations: each is right, and answers as its tests say.

use std::path::PathBuf;

use crate::easebot::{easebot, folder};

#[tokio::test]
async fn every_example_is_right_and_its_tests_hold() {
    let examples = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config"));
    let empty = folder("");
    let mut n_examples = 0;
    for entry in std::fs::read_dir(&examples).unwrap() {
        let path = entry.unwrap().path();
        let (name, config) = (path.file_name().unwrap().to_str().unwrap(), path.to_str().unwrap());
        let call = |command: &str| easebot(&empty, &format!("{command} --config")).word(config);
        let outcome = call("check").outcome().await;
        assert!(outcome.starts_with("exit 0\n"), "{name}: {outcome}");
        let outcome = call("test").outcome().await;
        assert!(outcome.starts_with("exit 0\n"), "{name}: {outcome}");
        n_examples += 1;
    }
    assert!(n_examples > 3, "{n_examples} examples");
}

#[tokio::test]
async fn the_first_configurations_of_the_guide_hold_their_tests() {
    for page in
        [include_str!("../../../../docs/start.md"), include_str!("../../../../docs/start.zh.md")]
    {
        let config = page
            .split("```toml\n")
            .filter_map(|rest| rest.split("```").next())
            .find(|block| block.contains("[[test]]"))
            .unwrap();
        let folder = folder(config);
        let outcome = easebot(&folder, "test").outcome().await;
        assert!(outcome.starts_with("exit 0\n"), "{outcome}");
    }
}
