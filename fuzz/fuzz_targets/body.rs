#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the file holds all targets, and this is one")]
#[path = "../../crates/easebot-msync/tests/fuzz/targets.rs"]
mod targets;

fuzz_target!(|data: &[u8]| {
    targets::body(data);
});
