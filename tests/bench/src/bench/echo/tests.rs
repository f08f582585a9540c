use std::process;
use std::thread;

use super::*;
use crate::load::engine::Engine;
use crate::load::order::Run;
use crate::load::peer::Speech;

/// Two clients of a side, with three users each, answer some messages; the run is void if one is not answered as it was said.
fn plays(speech: Speech, side: fn(&[String]) -> anyhow::Result<()>, more: &[&str]) {
    let mut engine = Engine::listen(speech, 20).unwrap();
    let mut words = vec![engine.port().unwrap().to_string(), "2".to_owned()];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    // It ends when the engine has gone, or with the test.
    thread::spawn(move || side(&words).ok());
    engine.until_online(2).unwrap();
    let (process, pace) = (process::id(), Pace::Closed { in_flight: 6 });
    let (warm, window) = (Duration::ZERO, Duration::ZERO);
    engine.run(&Run { process, conversations: 3, pace, warm, n_warm: 60, window }).unwrap();
}

#[test]
fn the_bare_sides_give_back_what_they_get() {
    plays(Speech::Raw, bare::tcp, &[]);
    plays(Speech::WebSocket, bare::websocket, &[]);
}

#[test]
fn the_bots_by_hand_log_in_and_answer() {
    plays(Speech::Easemob, floor::by_hand, &[]);
    plays(Speech::Easemob, floor::generated, &[]);
}

#[test]
fn easebot_answers_with_every_durability() {
    let folder = tempfile::tempdir().unwrap();
    for durability in ["memory", "process", "power"] {
        let folder = folder.path().join(durability);
        std::fs::create_dir(&folder).unwrap();
        plays(Speech::Easemob, bot::run, &[durability, folder.to_str().unwrap()]);
    }
}
