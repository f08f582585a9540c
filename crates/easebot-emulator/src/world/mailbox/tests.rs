use super::*;

fn device(name: &str) -> Resource {
    Resource::new(name)
}

fn peer(name: &str) -> QueueName {
    QueueName::Peer(UserId::new(name))
}

fn entry(id: u64, audience: Audience) -> Entry {
    Entry { id, queued_ms: id, meta: Bytes::from(id.to_string()), audience, live: false }
}

fn mailbox(devices: &[&str]) -> Mailbox {
    let mut mailbox = Mailbox::default();
    for name in devices {
        mailbox.meet(&device(name));
    }
    mailbox
}

fn fill(mailbox: &mut Mailbox, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        mailbox.push(peer("alice"), entry(id, Audience::All), OfflineLimits::default());
    }
}

fn pull(mailbox: &mut Mailbox, name: &str, key: Option<u64>) -> Vec<u64> {
    let page = mailbox.pull(&device(name), &peer("alice"), key, 2);
    let ids: Vec<u64> =
        page.metas.iter().map(|meta| std::str::from_utf8(meta).unwrap().parse().unwrap()).collect();
    assert_eq!(page.next_key, ids.last().copied(), "the key is the id of the last meta");
    ids
}

#[test]
fn a_pull_without_a_key_returns_the_oldest_and_deletes_nothing() {
    let mut mailbox = mailbox(&["d"]);
    fill(&mut mailbox, 1..=3);
    assert_eq!(pull(&mut mailbox, "d", None), [1, 2]);
    assert_eq!(pull(&mut mailbox, "d", None), [1, 2]);
    assert_eq!(pull(&mut mailbox, "d", Some(0)), [1, 2], "a zero acknowledges nothing");
}

#[test]
fn a_key_acknowledges_all_up_to_it_and_the_end_is_empty() {
    let mut mailbox = mailbox(&["d"]);
    fill(&mut mailbox, 1..=3);
    assert_eq!(pull(&mut mailbox, "d", Some(2)), [3]);
    assert_eq!(pull(&mut mailbox, "d", Some(3)), [] as [u64; 0]);
    assert_eq!(mailbox.n_waiting(), 0);
    assert!(mailbox.is_empty_for(&device("d")));
}

#[test]
fn an_old_key_does_not_bring_anything_back() {
    let mut mailbox = mailbox(&["d", "e"]);
    fill(&mut mailbox, 1..=3);
    assert_eq!(pull(&mut mailbox, "d", Some(2)), [3]);
    assert_eq!(pull(&mut mailbox, "d", Some(1)), [3]);
}

#[test]
fn a_key_from_the_future_costs_no_later_message() {
    let mut mailbox = mailbox(&["d"]);
    fill(&mut mailbox, 1..=1);
    assert_eq!(pull(&mut mailbox, "d", Some(u64::MAX)), [] as [u64; 0]);
    fill(&mut mailbox, 2..=2);
    assert_eq!(pull(&mut mailbox, "d", None), [2]);
}

#[test]
fn each_device_reads_at_its_own_pace() {
    let mut mailbox = mailbox(&["d", "e"]);
    fill(&mut mailbox, 1..=2);
    assert_eq!(pull(&mut mailbox, "d", Some(2)), [] as [u64; 0]);
    assert_eq!(pull(&mut mailbox, "e", None), [1, 2]);
    assert_eq!(pull(&mut mailbox, "e", Some(1)), [2]);
    assert_eq!(mailbox.n_waiting(), 1);
    assert_eq!(mailbox.unread(&device("e")), [(peer("alice"), 1)]);
    assert_eq!(mailbox.unread(&device("d")), []);
}

#[test]
fn what_came_while_nobody_was_known_waits_for_the_first_device() {
    let mut mailbox = mailbox(&[]);
    fill(&mut mailbox, 1..=2);
    mailbox.expire(0);
    mailbox.meet(&device("d"));
    assert_eq!(pull(&mut mailbox, "d", None), [1, 2]);
}

#[test]
fn a_new_device_starts_where_the_furthest_one_stands() {
    let mut mailbox = mailbox(&["slow", "fast"]);
    fill(&mut mailbox, 1..=3);
    pull(&mut mailbox, "fast", Some(2));
    mailbox.meet(&device("fresh"));
    assert_eq!(pull(&mut mailbox, "fresh", None), [3]);
    assert_eq!(pull(&mut mailbox, "slow", None), [1, 2], "the slow one loses nothing");
}

#[test]
fn a_forgotten_device_holds_nothing_back() {
    let mut mailbox = mailbox(&["d", "gone"]);
    fill(&mut mailbox, 1..=2);
    pull(&mut mailbox, "d", Some(2));
    assert_eq!(mailbox.n_waiting(), 2);
    mailbox.forget(&device("gone"));
    assert_eq!(mailbox.n_waiting(), 0);
}

#[test]
fn a_copy_for_the_other_devices_is_not_seen_by_the_sender() {
    let mut mailbox = mailbox(&["d", "e"]);
    let copy = Audience::Except(device("d"));
    assert!(mailbox.expects(&copy));
    mailbox.push(peer("alice"), entry(1, copy), OfflineLimits::default());
    assert!(mailbox.is_empty_for(&device("d")));
    assert_eq!(pull(&mut mailbox, "e", None), [1]);
    mailbox.forget(&device("e"));
    assert!(!mailbox.expects(&Audience::Except(device("d"))));
}

#[test]
fn a_live_entry_goes_with_the_link() {
    let mut mailbox = mailbox(&["d"]);
    let live = Entry { live: true, ..entry(1, Audience::Only(vec![device("d")])) };
    mailbox.push(peer("alice"), live, OfflineLimits::default());
    assert_eq!(pull(&mut mailbox, "d", None), [1]);
    mailbox.hang_up(&device("d"));
    assert_eq!(mailbox.n_waiting(), 0);
}

#[test]
fn the_newest_push_out_the_oldest_of_their_kind() {
    let limits = OfflineLimits { one_to_one: Some(2), groups: Some(1) };
    let mut mailbox = mailbox(&["d"]);
    let group = QueueName::Muc("g".to_owned());
    mailbox.push(group.clone(), entry(1, Audience::All), limits);
    mailbox.push(peer("alice"), entry(2, Audience::All), limits);
    mailbox.push(peer("carol"), entry(3, Audience::All), limits);
    mailbox.push(peer("carol"), entry(4, Audience::All), limits);
    assert_eq!(mailbox.unread(&device("d")), [(group, 1), (peer("carol"), 2)]);
}

#[test]
fn what_nobody_fetched_in_time_goes() {
    let mut mailbox = mailbox(&["d"]);
    fill(&mut mailbox, 1..=3);
    mailbox.expire(3);
    assert_eq!(pull(&mut mailbox, "d", None), [3]);
}

#[test]
fn a_queue_is_found_whatever_else_its_jid_says() {
    let full = Jid {
        app_key: Some("org#app".to_owned()),
        name: Some("Bob".to_owned()),
        domain: Some("easemob.com".to_owned()),
        client_resource: Some("webim_wx_1".to_owned()),
    };
    assert_eq!(QueueName::of(&full), peer("bob"));
    assert_eq!(QueueName::of(&QueueName::System.jid()), QueueName::System);
    let group = QueueName::Muc("17".to_owned());
    assert_eq!(QueueName::of(&group.jid()), group);
}
