//! The wire types, generated from `proto/msync.proto`.

#![expect(
    missing_docs,
    clippy::must_use_candidate,
    reason = "generated; the fields are described in the schema file"
)]

include!(concat!(env!("OUT_DIR"), "/easemob.pb.rs"));
