//! A [`Cron`] on the clock of a time zone, which is changed now and then.
//!
//! Between two changes the offset from UTC stays the same, so the search goes from one such piece of time to the next.

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use super::Cron;

/// How many changes of the clock are looked behind: two a year, for as long as anything comes that comes at all.
const MAX_PIECES: usize = 64;

const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// The first moment behind `after` that `cron` names in `zone`. None beyond the year 9999.
///
/// What names its times comes once a day even when clocks change: a time that does not exist is the moment of the change, and one
/// that comes twice is the first of the two. What comes all the time (`*` in minute or hour) comes as the clock shows it: not
/// while an hour is left out, and in both of an hour that comes twice.
pub(crate) fn next_after(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut within = after;
    let mut behind = zone.to_offset(after).to_datetime(after);
    for _ in 0..MAX_PIECES {
        let offset = zone.to_offset(within);
        if cron.is_fixed() {
            behind = repeated_until(zone, within, offset).map_or(behind, |end| behind.max(end));
        }
        let local = cron.next_local(behind)?;
        let found = offset.to_timestamp(local).ok()?;
        let changes = zone.following(within).map(|change| (change.timestamp(), change.offset()));
        let Some((change, then)) = changes.into_iter().find(|(_, then)| *then != offset) else {
            return Some(found);
        };
        if found < change {
            return Some(found);
        }
        let resumed = then.to_datetime(change);
        if cron.is_fixed() && local < resumed {
            return Some(change);
        }
        within = change;
        behind = resumed.checked_sub(INSTANT).ok()?;
    }
    None
}

/// Until when the clock shows again what it has shown before, if it was set back at the last change before `within`: the last
/// moment of that.
fn repeated_until(zone: &TimeZone, within: Timestamp, offset: Offset) -> Option<DateTime> {
    let just_behind = within.checked_add(INSTANT).ok()?;
    let change = zone.preceding(just_behind).next()?.timestamp();
    let before = zone.to_offset(change.checked_sub(INSTANT).ok()?);
    let is_back = before.seconds() > offset.seconds();
    is_back.then(|| before.to_datetime(change).checked_sub(INSTANT).ok()).flatten()
}
