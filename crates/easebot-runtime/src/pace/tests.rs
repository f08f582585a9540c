use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn app_key() -> AppKey {
    "easebot#demo".parse().unwrap()
}

fn pacer(apps: &Apps, pace: &Pace, now: Instant) -> Pacer {
    Pacer::new(apps.join(&app_key(), pace, now), *pace)
}

/// How many messages of `kind` leave within `time` after `start`, if each is asked for as soon as it may leave.
fn n_sent(pacer: &mut Pacer, kind: Kind, start: Instant, time: Duration) -> u32 {
    let (mut now, mut n_sent) = (start, 0);
    loop {
        match pacer.turn(kind, now) {
            Ok(()) => n_sent += 1,
            Err(at) => now = at,
        }
        if now > start + time {
            return n_sent;
        }
    }
}

#[test]
fn no_second_sees_more_than_the_documented_limit() {
    for (kind, limit) in
        [(Kind::Directed, 100), (Kind::Group, 20), (Kind::Room, 100), (Kind::User, 100)]
    {
        let now = Instant::now();
        let mut pacer = pacer(&Apps::default(), &Pace::default(), now);
        assert_eq!(n_sent(&mut pacer, kind, now, SECOND), limit, "{kind:?}");
        let minute = n_sent(&mut pacer, kind, now + SECOND, 60 * SECOND);
        assert!(minute <= 60 * limit && minute >= 54 * limit - 2, "{kind:?}: {minute} a minute");
    }
}

#[test]
fn a_kind_that_waits_holds_up_no_other() {
    let now = Instant::now();
    let mut pacer = pacer(&Apps::default(), &Pace::default(), now);
    while pacer.turn(Kind::Group, now).is_ok() {}
    assert_eq!(pacer.turn(Kind::User, now), Ok(()));
}

#[test]
fn the_wait_is_known_exactly_and_asking_again_does_not_make_it_longer() {
    let now = Instant::now();
    let mut pacer = pacer(&Apps::default(), &Pace::default(), now);
    assert_eq!(pacer.turn(Kind::Group, now), Ok(()));
    assert_eq!(pacer.turn(Kind::Group, now), Ok(()));
    let at = pacer.turn(Kind::Group, now).unwrap_err();
    assert_eq!((at - now).as_micros(), 55_555, "18 a second behind the first two");
    assert_eq!(pacer.turn(Kind::Group, now + SECOND / 100), Err(at));
    assert_eq!(pacer.turn(Kind::Group, at), Ok(()));
}

#[test]
fn the_bots_of_an_app_share_its_limit_in_turn() {
    let (apps, now) = (Apps::default(), Instant::now());
    let mut bots = [(); 3].map(|()| pacer(&apps, &Pace::default(), now));
    let (mut at, mut n_sent) = (now, [0; 3]);
    while at < now + 10 * SECOND {
        let mut next = at + SECOND;
        for (bot, n_sent) in bots.iter_mut().zip(&mut n_sent) {
            match bot.turn(Kind::Group, at) {
                Ok(()) => {
                    *n_sent += 1;
                    next = at;
                }
                Err(turn) => next = next.min(turn),
            }
        }
        at = next;
    }
    let all: i32 = n_sent.iter().sum();
    assert!((180..=182).contains(&all), "{all} in 10 s");
    assert!(n_sent.iter().all(|n| (60..=61).contains(n)), "{n_sent:?}");
}

#[test]
fn another_app_has_a_limit_of_its_own() {
    let (apps, now) = (Apps::default(), Instant::now());
    let mut one = pacer(&apps, &Pace::default(), now);
    while one.turn(Kind::Group, now).is_ok() {}
    let (key, pace) = ("easebot#other".parse().unwrap(), Pace::default());
    let mut other = Pacer::new(apps.join(&key, &pace, now), pace);
    assert_eq!(other.turn(Kind::Group, now), Ok(()));
}

#[test]
fn the_app_takes_the_highest_limit_of_its_bots_and_each_bot_keeps_to_its_own() {
    let (apps, now) = (Apps::default(), Instant::now());
    let mut slow = pacer(&apps, &Pace { users_per_second: 10, ..Pace::default() }, now);
    let mut fast = pacer(&apps, &Pace { users_per_second: 1_000, ..Pace::default() }, now);
    assert_eq!(n_sent(&mut slow, Kind::User, now, SECOND), 10);
    let later = now + 2 * SECOND;
    assert_eq!(n_sent(&mut fast, Kind::User, later, SECOND), 1_000);
}

#[test]
fn a_refusal_halves_the_rate_and_a_minute_without_one_brings_it_back() {
    let now = Instant::now();
    let mut pacer = pacer(&Apps::default(), &Pace::default(), now);
    assert_eq!(n_sent(&mut pacer, Kind::User, now, SECOND), 100);
    let refused = now + SECOND;
    pacer.slow(Kind::User, refused, SECOND);
    let first = pacer.turn(Kind::User, refused).unwrap_err();
    assert_eq!((first - refused).as_millis(), 1_044, "the pause, and two turns at 45 a second");
    let slowed = n_sent(&mut pacer, Kind::User, refused + SECOND, SECOND);
    assert!((44..=46).contains(&slowed), "{slowed}");
    let later = refused + 62 * SECOND;
    let n_sent = n_sent(&mut pacer, Kind::User, later, SECOND);
    assert_eq!(n_sent, 101, "one of them had its turn a minute ago and did not use it");
}

#[test]
fn the_kind_of_a_message_is_that_of_its_conversation_unless_it_names_receivers() {
    let kind = |outgoing: &Outgoing| Kind::of(outgoing);
    assert_eq!(kind(&Outgoing::text(Conversation::user("bob"), "hi")), Kind::User);
    assert_eq!(kind(&Outgoing::text(Conversation::room("1"), "hi")), Kind::Room);
    let mut to_group = Outgoing::text(Conversation::group("1"), "hi");
    assert_eq!(kind(&to_group), Kind::Group);
    let Act::Message(draft) = &mut to_group.act else { unreachable!() };
    draft.receivers.push("bob".into());
    assert_eq!(kind(&to_group), Kind::Directed);
}

/// How many messages may leave at `now`.
fn n_at_once(pacer: &mut Pacer, now: Instant) -> usize {
    std::iter::from_fn(|| pacer.turn(Kind::User, now).ok()).count()
}

#[test]
fn buckets_are_given_back_only_when_new_ones_would_let_no_more_through() {
    for users_per_second in [1, 7, 100] {
        let pace = Pace { users_per_second, ..Pace::default() };
        let now = Instant::now();
        let mut used = pacer(&Apps::default(), &pace, now);
        let fresh = n_at_once(&mut pacer(&Apps::default(), &pace, now), now);
        n_at_once(&mut used, now);
        used.rest(now + 60 * SECOND);
        assert!(used.spent.is_some(), "a turn is not used");
        let at = used.turn(Kind::User, now).unwrap_err();
        assert_eq!(used.turn(Kind::User, at), Ok(()));
        used.rest(at);
        let full_at = used.spent.as_ref().unwrap().full_at;
        assert_eq!(n_at_once(&mut used, full_at), fresh, "{users_per_second} a second");
    }
}

#[test]
fn a_pace_that_was_slowed_down_is_remembered_until_it_is_the_old_one() {
    let now = Instant::now();
    let mut pacer = pacer(&Apps::default(), &Pace::default(), now);
    for n in 0..10 {
        pacer.slow(Kind::User, now + n * SECOND, SECOND);
    }
    let slowed = now + 10 * SECOND;
    pacer.rest(slowed + 60 * SECOND);
    let spent = pacer.spent.as_mut().unwrap();
    let full_at = spent.full_at;
    assert_eq!(full_at, slowed + RECOVERY);
    let mut fresh = Spent::new(&Pace::default(), full_at);
    let second = |bucket: &mut Bucket| n_sent_by(bucket, full_at);
    assert_eq!(second(spent.own.of(Kind::User)), second(fresh.own.of(Kind::User)));
    let mut idle = self::pacer(&Apps::default(), &Pace::default(), now);
    idle.slow(Kind::User, now, SECOND);
    idle.rest(now + SECOND + RECOVERY);
    assert!(idle.spent.is_none());
}

/// How many turns `bucket` gives within a second after `start`.
fn n_sent_by(bucket: &mut Bucket, start: Instant) -> usize {
    let mut now = start;
    std::iter::from_fn(|| {
        now += reserve(bucket, now);
        (now <= start + SECOND).then_some(())
    })
    .count()
}
