#![doc = include_str!("../../../crates/easebot-macros/README.md")]
