//! Many accounts that are online and have nothing to do.

pub(crate) mod fleet;
pub(crate) mod served;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use self::served::Addresses;
use crate::bench::Setup;
use crate::emulated::PASSWORD;
use crate::process::{MEASURED, OTHER, Process};
use crate::report::{Bound, Section, Table, Target, number};

/// How long memory may take to come to rest: a bot gives back what it used when it has had nothing to do for 5 s.
const SETTLE: Duration = Duration::from_secs(8);
/// In this time each account keeps its connection alive once.
const IDLE: Duration = Duration::from_secs(30);
const QUICK_IDLE: Duration = Duration::from_secs(1);
/// Logins that may begin in a second: more than are done in one, and few enough for the server's queue of connections.
const LOGINS_PER_SECOND: u32 = 2_000;

/// Whose accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Whose {
    Easebot,
    Sdk,
}

/// A process with so many accounts.
#[derive(Clone, Copy, Debug)]
struct Case {
    whose: Whose,
    is_secure: bool,
    n: u32,
    /// Whether it is watched for as long as it takes to see every account's heartbeat.
    is_watched: bool,
}

/// What a process of accounts came to.
#[derive(Clone, Copy, Debug)]
struct Found {
    case: Case,
    resident_kib: f64,
    peak_kib: f64,
    online_secs: f64,
    login_cpu_ms: f64,
    /// CPU milliseconds in a second of nothing to do; none if it was not watched.
    idle_cpu_ms: f64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Easebot => "easebot",
            Whose::Sdk => "official SDK",
        };
        let scheme = if self.is_secure { "`wss`" } else { "`ws`" };
        let n = if self.n < 1_000 { self.n.to_string() } else { number(self.n.into()) };
        write!(f, "{whose}, {scheme}, {n} account{}", plural(self.n))
    }
}

const fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// One, some, and as many as are wanted.
fn counts(setup: &Setup, whose: Whose) -> &'static [u32] {
    match (whose, setup.quick) {
        (Whose::Easebot, false) => &[1, 1_000, 10_000],
        (Whose::Easebot, true) => &[100, 1_000],
        (Whose::Sdk, false) => &[1, 50],
        (Whose::Sdk, true) => &[1, 20],
    }
}

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let mut found = Vec::new();
    for whose in [Whose::Easebot, Whose::Sdk] {
        for is_secure in [false, true] {
            let counts = counts(setup, whose);
            for n in counts {
                let is_watched = Some(n) == counts.last();
                let case = Case { whose, is_secure, n: *n, is_watched };
                setup.console.progress(&case.to_string());
                found.push(one(setup, case).with_context(|| case.to_string())?);
            }
        }
    }
    Ok(section(setup, &found))
}

fn one(setup: &Setup, case: Case) -> anyhow::Result<Found> {
    let folder = setup.folder()?;
    let n = case.n.to_string();
    let scheme = if case.is_secure { "wss" } else { "ws" };
    let root = setup.root.display().to_string();
    let mut server =
        Process::start("served", &mut setup.side("served", &[&n, scheme, &root]), OTHER)?;
    let addresses: Addresses = serde_json::from_str(&server.word("listening")?)?;
    let Addresses { rest, websocket } = &addresses;
    let ca = served::certificate(&setup.root, "ca.pem");
    let mut command = match case.whose {
        Whose::Easebot => {
            let folder = folder.path().display().to_string();
            let words = [&n, rest, websocket, &folder, &ca.display().to_string()];
            setup.side("fleet", &words.map(String::as_str))
        }
        Whose::Sdk => sdk(setup, &[&n, rest, websocket, PASSWORD], ca),
    };
    let mut fleet = Process::start("accounts", &mut command, MEASURED)?;
    let online_secs = fleet.word("online")?.parse()?;
    let login_cpu = fleet.cpu()?;
    server.tell("greet")?;
    server.word("greeted")?;
    fleet.watch(setup.window(SETTLE))?;
    let resident_kib = kib(fleet.memory()?)?;
    let mut idle_cpu_ms = f64::NAN;
    if case.is_watched {
        let time = if setup.quick { QUICK_IDLE } else { IDLE };
        let before = fleet.cpu()?;
        fleet.watch(time)?;
        idle_cpu_ms = (fleet.cpu()? - before).as_secs_f64() * 1e3 / time.as_secs_f64();
    }
    Ok(Found {
        case,
        resident_kib,
        peak_kib: kib(fleet.peak_memory()?)?,
        online_secs,
        login_cpu_ms: login_cpu.as_secs_f64() * 1e3 / f64::from(case.n),
        idle_cpu_ms,
    })
}

fn sdk(setup: &Setup, words: &[&str], ca: PathBuf) -> Command {
    let mut command = Command::new("node");
    command.arg(setup.root.join("tests/bench/sdk/accounts.mjs")).args(words);
    command.env("NODE_EXTRA_CA_CERTS", ca);
    command
}

fn kib(kib: u64) -> anyhow::Result<f64> {
    Ok(u32::try_from(kib)?.into())
}

/// KiB that one more account takes: between the two largest counts, so that what the process itself takes is left out.
fn slope(found: &[Found], whose: Whose, is_secure: bool) -> f64 {
    let is_it = |found: &&Found| found.case.whose == whose && found.case.is_secure == is_secure;
    let mut counted = found.iter().filter(is_it).rev();
    match (counted.next(), counted.next()) {
        (Some(many), Some(some)) => {
            (many.resident_kib - some.resident_kib) / f64::from(many.case.n - some.case.n)
        }
        _ => f64::NAN,
    }
}

fn section(setup: &Setup, found: &[Found]) -> Section {
    let row = |found: &Found| {
        vec![
            found.case.to_string(),
            number(found.resident_kib / 1024.0),
            number(found.peak_kib / 1024.0),
            number(found.online_secs),
            number(found.login_cpu_ms),
            number(found.idle_cpu_ms),
        ]
    };
    let head = [
        "process",
        "resident MiB",
        "at most",
        "all online after, s",
        "CPU ms a login",
        "idle, CPU ms a second",
    ];
    let processes = Table {
        title: "Processes of so many accounts.".to_owned(),
        head: head.map(str::to_owned).into(),
        rows: found.iter().map(row).collect(),
    };
    let slopes = [("easebot", Whose::Easebot), ("official SDK", Whose::Sdk)];
    let row = |(name, whose): (&str, Whose)| {
        let cells = [false, true].map(|is_secure| number(slope(found, whose, is_secure)));
        [vec![name.to_owned()], cells.into()].concat()
    };
    let slopes = Table {
        title: "KiB that one more account takes, between the two largest counts.".to_owned(),
        head: ["side", "`ws`", "`wss`"].map(str::to_owned).into(),
        rows: slopes.map(row).into(),
    };
    let at_most = |what: &str, bound, measured| Target {
        what: what.to_owned(),
        bound: Bound::AtMost(bound),
        measured,
    };
    // In a quick run there is no such count.
    let all = found.iter().find(|found| {
        found.case.whose == Whose::Easebot && found.case.is_secure && found.case.n == 10_000
    });
    let all_mb = all.map_or(f64::NAN, |found| found.resident_kib * 1024.0 / 1e6);
    Section {
        method: format!(
            "A process logs its accounts in, each of which then answers one message; its memory is read {} s later, when it has come to rest. The accounts of \
             Easebot are bots of one runtime with an echo, a database and durability `process`, \
             without shared groups; those of the SDK share one copy of it. At most {LOGINS_PER_SECOND} logins begin in a second (`logins_per_second`, 100 by default), so that \
             neither this nor the pace of sending is what is measured. The server, an emulator, with TLS of rustls in front of it, \
             is another process on the other core; its memory does not count. Idle is a time of {} s.",
            setup.window(SETTLE).as_secs(),
            if setup.quick { QUICK_IDLE } else { IDLE }.as_secs()
        ),
        tables: vec![slopes, processes],
        targets: vec![
            at_most("KiB an idle account, `ws`", 12.0, slope(found, Whose::Easebot, false)),
            at_most("KiB an idle account, `wss`", 24.0, slope(found, Whose::Easebot, true)),
            at_most("MB of 10 000 accounts, `wss`", 250.0, all_mb),
        ],
        raw: serde_json::Value::from(
            found.iter().map(|found| format!("{found:?}")).collect::<Vec<_>>(),
        ),
        ..Section::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_process_itself_takes_is_no_part_of_an_account() {
        let found = |n: u32, resident_kib| Found {
            case: Case { whose: Whose::Easebot, is_secure: true, n, is_watched: false },
            resident_kib,
            peak_kib: 0.0,
            online_secs: 0.0,
            login_cpu_ms: 0.0,
            idle_cpu_ms: 0.0,
        };
        let all = [found(1, 9_000.0), found(1_000, 20_000.0), found(10_000, 110_000.0)];
        assert_eq!(slope(&all, Whose::Easebot, true), 10.0);
        assert!(slope(&all, Whose::Easebot, false).is_nan());
    }
}
