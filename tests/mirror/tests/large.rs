//! A file of 1 GiB goes up and comes down in little memory, as the operating system counts it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "test code")]

use std::{fs, path::Path, process::Stdio, time::Duration};

use easebot_emulator::{Emulator, Options};
use easebot_model::Secret;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

const GIB: u64 = 1 << 30;

/// Most memory that a program may ever have had resident.
const LIMIT_KIB: u64 = 40 * 1024;

/// A mirror in a process of its own.
struct Mirror {
    child: Child,
    orders: ChildStdin,
    shown: Lines<BufReader<ChildStdout>>,
}

impl Mirror {
    async fn start(emulator: &Emulator, user: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_easebot-mirror"))
            .args(["--rest", &emulator.rest_url(), "--websocket", &emulator.websocket_url()])
            .args(["--app-key", "easebot#demo", "--user", user, "--password", "secret"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let shown = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut mirror = Self { child, orders, shown };
        mirror.until(|shown| shown["event"] == "connected").await;
        mirror
    }

    async fn order(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    /// What is shown next that fits.
    async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let next = async {
            loop {
                let line = self.shown.next_line().await.unwrap().unwrap();
                let shown: Value = serde_json::from_str(&line).unwrap();
                assert!(shown.get("error").is_none(), "{shown}");
                if fits(&shown) {
                    return shown;
                }
            }
        };
        timeout(Duration::from_secs(240), next).await.unwrap()
    }

    /// Most memory that it ever had resident.
    fn peak_kib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// A file with a hole instead of content, but for its two ends.
fn large_file(path: &Path) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = fs::File::create(path).unwrap();
    file.write_all(b"begin").unwrap();
    file.seek(SeekFrom::Start(GIB - 3)).unwrap();
    file.write_all(b"end").unwrap();
}

/// Its length, and what it begins and ends with.
fn ends(path: &Path) -> (u64, [u8; 5], [u8; 3]) {
    use std::io::{Read, Seek, SeekFrom};
    let (mut file, mut first, mut last) = (fs::File::open(path).unwrap(), [0; 5], [0; 3]);
    file.read_exact(&mut first).unwrap();
    file.seek(SeekFrom::End(-3)).unwrap();
    file.read_exact(&mut last).unwrap();
    (file.metadata().unwrap().len(), first, last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_one_gib_goes_both_ways_in_less_than_40_mib() {
    let users =
        vec![("alice".into(), Secret::new("secret")), ("bob".into(), Secret::new("secret"))];
    let options = Options { users, max_file_bytes: 2 * GIB, ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    let (mut alice, mut bob) =
        (Mirror::start(&emulator, "alice").await, Mirror::start(&emulator, "bob").await);
    let folder = tempfile::tempdir().unwrap();
    let (original, copy) = (folder.path().join("original.bin"), folder.path().join("copy.bin"));
    large_file(&original);

    let body = json!({ "type": "file", "attachment": { "url": "", "name": "original.bin" } });
    let draft =
        json!({ "act": "message", "body": body, "attach": { "file": { "path": original } } });
    alice
        .order(
            json!({ "order": "send", "tag": "1", "outgoing": { "to": "user:bob", "act": draft } }),
        )
        .await;
    alice.until(|shown| shown["tag"] == "1").await;
    let message = bob.until(|shown| shown["event"] == "message").await;
    let attachment = &message["body"]["attachment"];
    assert_eq!(attachment["length_bytes"], GIB);
    bob.order(json!({ "order": "download", "tag": "2", "attachment": attachment, "to": copy }))
        .await;
    bob.until(|shown| shown["tag"] == "2").await;

    assert_eq!(ends(&copy), ends(&original));
    for (who, peak_kib) in [("the sender", alice.peak_kib()), ("the receiver", bob.peak_kib())] {
        assert!(peak_kib < LIMIT_KIB, "{who} had {peak_kib} KiB resident");
    }
}
