//! Many accounts at once, in virtual time.

use std::sync::{Arc, Mutex};

use tokio::{sync::watch, task::JoinSet};

use super::*;
use crate::{Endpoint, Opening, Tls};

/// When somebody dialled, in milliseconds since the beginning, and whether anybody was there.
type Dials = Arc<Mutex<Vec<(u128, bool)>>>;

/// A server that is away until it is told to be there, and then takes every link and says nothing on it.
struct Away {
    dials: Dials,
    is_back: watch::Sender<bool>,
    network: Network,
}

impl Away {
    fn new(logins: Option<Logins>) -> Self {
        let (dials, is_back, start) =
            (Dials::default(), watch::Sender::new(false), tokio::time::Instant::now());
        let (seen, back) = (Arc::clone(&dials), is_back.subscribe());
        let mut network = Network::new(Tls::default()).with_dialler(move |_, _| -> Opening {
            let is_back = *back.borrow();
            seen.lock().unwrap().push((start.elapsed().as_millis(), is_back));
            if is_back {
                return Box::pin(pending());
            }
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            let (host, port) = ("im.example.org".to_owned(), 80);
            Box::pin(
                async move { Err(crate::OpenLinkError::Connect { host, port, source: refused }) },
            )
        });
        if let Some(logins) = logins {
            network = network.with_logins(logins);
        }
        Self { dials, is_back, network }
    }

    /// Clients that run for as long as the answer lives.
    fn crowd(&self, n: u64) -> JoinSet<()> {
        let mut crowd = JoinSet::new();
        for seed in 0..n {
            let account = Account {
                app_key: "easebot#demo".parse().unwrap(),
                user: easebot_model::UserId::new(format!("bot{seed}")),
                credentials: Credentials::Token(Secret::new("TOK")),
                endpoint: Endpoint::hosts("http://a1.example.org", "ws://im.example.org/").unwrap(),
                network: self.network.clone(),
            };
            let device =
                Device { resource: Resource::new("r"), uuid: "1".into(), name: "n".into() };
            let mut client = Client::new(account, device, seed);
            crowd.spawn(async move {
                loop {
                    client.next().await;
                }
            });
        }
        crowd
    }

    /// Times at which somebody dialled whom the server took.
    fn taken(&self) -> Vec<u128> {
        let dials = self.dials.lock().unwrap();
        dials.iter().filter(|(_, is_taken)| *is_taken).map(|(at, _)| *at).collect()
    }
}

/// The largest number of `times` (in order, milliseconds) within any second.
fn most_in_a_second(times: &[u128]) -> usize {
    let in_second_from = |(i, at): (usize, &u128)| {
        times.iter().skip(i).take_while(|time| **time < at + 1_000).count()
    };
    times.iter().enumerate().map(in_second_from).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_accounts_come_back_from_an_outage_spread_over_a_minute() {
    const N: usize = 10_000;
    let away = Away::new(None);
    let crowd = away.crowd(N as u64);
    sleep(120 * SECOND).await;
    away.is_back.send_replace(true);
    sleep(Backoff::CAP + SECOND).await;
    drop(crowd);
    let times = away.taken();
    assert_eq!(times.len(), N, "nobody waits longer than the longest delay");
    let most = most_in_a_second(&times);
    // Full jitter over a minute: twice the even share of a second in its densest one, which is the first.
    assert!(most <= 2 * N / 60 + 60, "{most} logins in one second");
}

#[tokio::test(start_paused = true)]
async fn no_second_sees_more_logins_than_the_turns_of_a_process_allow() {
    const N: usize = 3_000;
    let away = Away::new(Some(Logins::per_second(100)));
    away.is_back.send_replace(true);
    let crowd = away.crowd(N as u64);
    sleep(31 * SECOND).await;
    drop(crowd);
    let times = away.taken();
    assert_eq!(times.len(), N, "all are through after 30 s");
    assert_eq!(most_in_a_second(&times), 100);
}

#[tokio::test(start_paused = true)]
async fn turns_hold_for_accounts_that_lost_their_server_at_one_instant() {
    const N: usize = 2_000;
    let away = Away::new(Some(Logins::per_second(100)));
    let crowd = away.crowd(N as u64);
    sleep(60 * SECOND).await;
    away.is_back.send_replace(true);
    // Whoever waits for a delay waits for a turn after that.
    sleep(Backoff::CAP + 21 * SECOND).await;
    drop(crowd);
    let times = away.taken();
    assert_eq!(times.len(), N);
    assert!(most_in_a_second(&times) <= 100);
}

#[tokio::test(start_paused = true)]
async fn one_account_waits_for_no_turn() {
    let logins = Logins::default();
    let start = tokio::time::Instant::now();
    assert_eq!(logins.turn(), None);
    assert_eq!(logins.turn(), Some(start + Duration::from_millis(10)));
    sleep(SECOND).await;
    assert_eq!(logins.turn(), None, "turns that nobody took are not saved up");
}
