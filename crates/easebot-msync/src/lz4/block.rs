//! LZ4 blocks that refer to the blocks before them.
//!
//! `lz4_flex` reads such blocks but writes them only by building its table of the whole history anew for each one, which
//! costs thirty times what the block itself does. This keeps the table. It is the plain greedy algorithm: one candidate per
//! hash of four bytes, longer steps the longer nothing is found.
//!
//! Source: the LZ4 block format description of the reference implementation.

use super::HISTORY_BYTES;

/// Fewest bytes that are worth a reference; what a reference costs.
const MIN_MATCH: usize = 4;

/// Bytes at the end of a block that are never part of a reference.
const N_LAST_LITERALS: usize = 5;

/// A reference begins at least this many bytes before the end of a block.
const MATCH_MARGIN: usize = 12;

/// Binary logarithm of the number of candidates that are remembered.
const TABLE_BITS: u32 = 12;

/// After this many bytes without a reference (as a power of two) the step grows by one.
const SKIP_BITS: u32 = 6;

/// Writes the blocks of one direction.
#[derive(Debug)]
pub(super) struct BlockWriter {
    /// The end of all that was written before, and the block that is being written.
    window: Vec<u8>,
    /// By the hash of four bytes: where in the window they stood last, plus 1.
    table: Vec<u32>,
}

impl BlockWriter {
    pub(super) fn new() -> Self {
        Self { window: Vec::new(), table: Vec::new() }
    }

    /// Appends the block of `plain` to `out`.
    pub(super) fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        // Made with the first block, so that a connection that says nothing costs nothing.
        self.table.resize(1 << TABLE_BITS, 0);
        let mut at = self.window.len();
        let mut literals = at;
        self.window.extend_from_slice(plain);
        let match_end = self.window.len().saturating_sub(N_LAST_LITERALS);
        while at + MATCH_MARGIN <= self.window.len() {
            let Some(offset) = self.find(at) else {
                at += 1 + ((at - literals) >> SKIP_BITS);
                continue;
            };
            let n_matched = self.match_length(at, offset, match_end);
            self.sequence(literals..at, Some((offset, n_matched)), out);
            at += n_matched;
            literals = at;
        }
        self.sequence(literals..self.window.len(), None, out);
        self.slide();
    }

    /// What the window holds on to.
    #[cfg(test)]
    pub(super) fn window_bytes(&self) -> usize {
        self.window.capacity()
    }

    /// How far back the four bytes at `at` stand as well, if that can be said in a reference. Remembers where they stand.
    fn find(&mut self, at: usize) -> Option<u16> {
        let here = *self.window.get(at..)?.first_chunk::<MIN_MATCH>()?;
        // Multiplication by a number near 2^32 / golden ratio, as in the reference implementation.
        let hash = u32::from_le_bytes(here).wrapping_mul(2_654_435_761) >> (32 - TABLE_BITS);
        let slot = self.table.get_mut(usize::try_from(hash).ok()?)?;
        let candidate = std::mem::replace(slot, u32::try_from(at + 1).ok()?);
        let candidate = usize::try_from(candidate).ok()?.checked_sub(1)?;
        let offset = u16::try_from(at.checked_sub(candidate)?).ok()?;
        let there = self.window.get(candidate..)?.first_chunk::<MIN_MATCH>()?;
        (*there == here).then_some(offset)
    }

    /// How many bytes at `at` repeat those `offset` before, up to `end`. The copy may overlap what it makes.
    fn match_length(&self, at: usize, offset: u16, end: usize) -> usize {
        let here = self.window.get(at..end).unwrap_or_default();
        let there = self.window.get(at - usize::from(offset)..end).unwrap_or_default();
        // Eight at a time; what the last eight have in common is counted by their lowest bit that differs.
        let mut n_matched = 0;
        for (here, there) in here.chunks_exact(8).zip(there.chunks_exact(8)) {
            let differing = word(here) ^ word(there);
            if differing != 0 {
                return n_matched + (differing.trailing_zeros() / 8) as usize;
            }
            n_matched += 8;
        }
        let rest = here.iter().zip(there).skip(n_matched);
        n_matched + rest.take_while(|(here, there)| here == there).count()
    }

    /// Literals, then a reference; the last sequence of a block has none.
    fn sequence(
        &self,
        literals: std::ops::Range<usize>,
        reference: Option<(u16, usize)>,
        out: &mut Vec<u8>,
    ) {
        let literals = self.window.get(literals).unwrap_or_default();
        let n_literals = literals.len();
        let n_copied = reference.map_or(0, |(_, n_matched)| n_matched - MIN_MATCH);
        out.push(nibble(n_literals) << 4 | nibble(n_copied));
        long_length(n_literals, out);
        out.extend_from_slice(literals);
        if let Some((offset, _)) = reference {
            out.extend_from_slice(&offset.to_le_bytes());
            long_length(n_copied, out);
        }
    }

    /// Forgets what no reference can reach, each time that as much again has gathered.
    fn slide(&mut self) {
        if self.window.len() <= 2 * HISTORY_BYTES {
            return;
        }
        let n_old = self.window.len() - HISTORY_BYTES;
        self.window.drain(..n_old);
        self.window.shrink_to(4 * HISTORY_BYTES);
        let moved = u32::try_from(n_old).unwrap_or(u32::MAX);
        for place in &mut self.table {
            *place = place.saturating_sub(moved);
        }
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A length as the token has it: 15 means that more follows.
fn nibble(length: usize) -> u8 {
    u8::try_from(length.min(15)).unwrap_or_default()
}

/// What the token cannot hold of a length.
fn long_length(length: usize, out: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(15) else { return };
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(u8::try_from(rest).unwrap_or_default());
}
