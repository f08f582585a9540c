//! The test bed with people, bots and faults, by calls and by transcripts.

mod bed;
mod transcripts;
