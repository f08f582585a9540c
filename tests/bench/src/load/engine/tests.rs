use std::process;
use std::thread;

use super::*;

/// Gives back what comes, changed by `change`, until the other side closes.
fn echo(port: u16, change: impl Fn(&mut Vec<u8>) + Send + 'static) {
    thread::spawn(move || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let mut came = buffer[..length].to_vec();
            change(&mut came);
            if stream.write_all(&came).is_err() {
                break;
            }
        }
    });
}

fn run(pace: Pace) -> Run {
    let (warm, window) = (Duration::from_millis(2), Duration::from_millis(20));
    Run { process: process::id(), conversations: 1, pace, warm, n_warm: 20, window }
}

fn engine(clients: usize, change: impl Fn(&mut Vec<u8>) + Clone + Send + 'static) -> Engine {
    let mut engine = Engine::listen(Speech::Raw, 1).unwrap();
    for _ in 0..clients {
        echo(engine.port().unwrap(), change.clone());
    }
    engine.until_online(clients).unwrap();
    engine
}

#[test]
fn answers_are_counted_and_runs_follow_each_other() {
    let mut engine = engine(3, |_| ());
    for pace in [Pace::Closed { in_flight: 4 }, Pace::Open { per_second: 2_000 }] {
        let first = engine.tally.next();
        let ran = engine.run(&run(pace)).unwrap();
        let n_answered = engine.tally.n_answered() as u64;
        assert_eq!((engine.tally.n_waiting(), first + n_answered), (0, engine.tally.next()));
        let least = if matches!(pace, Pace::Closed { .. }) { 2 * 3 * 4 } else { 0 };
        assert!(ran.messages >= least, "{ran:?}");
        assert!(ran.messages + 20 <= n_answered && ran.cpu_us > 0.0, "{ran:?}");
    }
}

#[test]
fn a_doubled_answer_makes_the_run_void() {
    let mut engine = engine(1, |came| came.extend_from_within(..));
    let error = engine.run(&run(Pace::Closed { in_flight: 1 })).unwrap_err();
    assert!(error.to_string().contains("answered twice"), "{error}");
}

#[test]
fn a_changed_text_makes_the_run_void() {
    let mut engine = engine(1, |came| *came.last_mut().unwrap() ^= 1);
    let error = engine.run(&run(Pace::Closed { in_flight: 1 })).unwrap_err();
    assert!(error.to_string().contains("came back as another"), "{error}");
}

#[test]
fn texts_of_an_open_run_are_due_at_even_times() {
    let start = Instant::now();
    let mut due = Due::new(Pace::Open { per_second: 1_000 }, start);
    let at = |us| start + Duration::from_micros(us);
    assert_eq!(due.next(start), Some((start, 0)));
    assert_eq!(due.next(at(999)), None);
    assert_eq!(due.patience(at(999), true), Duration::ZERO);
    // Who was held up says all that was due, each for its own time.
    assert_eq!(due.next(at(2_500)), Some((at(1_000), 1)));
    assert_eq!(due.next(at(2_500)), Some((at(2_000), 2)));
    assert_eq!(due.next(at(2_500)), None);
}
