//! What was found, as a reader wants it.

use serde_json::json;

use super::scene::{CHAT, CROWD, CROWD_16, EVEN, Even, PING_PONG, SCENES, STREAM, Scene};
use super::side::EchoSide;
use crate::report::{Bound, Section, Table, Target, cell, number, ratio};
use crate::rounds::Series;
use crate::statistics::Samples;

/// How far two runs of the same program may be apart before nothing is to be concluded from such differences.
const SAME: f64 = 0.05;

pub(super) struct Found {
    /// As fast as they answer.
    pub(super) full: Vec<Series>,
    /// At even rates.
    pub(super) even: Vec<Series>,
}

impl Found {
    pub(super) fn section(&self) -> Section {
        let raw = |all: &[Series]| -> serde_json::Value {
            all.iter().map(|series| (series.side.clone(), series.raw())).collect()
        };
        let mut remarks = vec![self.same(&STREAM), self.same(&CROWD)];
        remarks.extend(self.heavy_load());
        remarks.extend(self.late_load());
        Section {
            method: METHOD.to_owned(),
            tables: vec![self.cpu(), self.ratios(), self.rates(), self.latencies()],
            targets: self.targets(),
            remarks,
            raw: json!({ "full": raw(&self.full), "even": raw(&self.even) }),
            ..Section::default()
        }
    }

    /// Every round's value of a figure of a side; nothing if the side does not have it.
    fn of(&self, side: EchoSide, figure: &str) -> Samples {
        let name = side.to_string();
        let series = self.full.iter().find(|series| series.side == name);
        series.map(|series| series.of(figure)).unwrap_or_default()
    }

    /// The CPU time of `side` a message over that of `other`, round by round.
    fn over(&self, side: EchoSide, other: EchoSide, scene: &Scene) -> Samples {
        self.of(side, scene.cpu).over(&self.of(other, scene.cpu))
    }

    fn cpu(&self) -> Table {
        let row = |series: &Series| {
            let cells = SCENES.iter().map(|scene| cell(&series.of(scene.cpu)));
            std::iter::once(series.side.clone()).chain(cells).collect()
        };
        Table {
            title: "CPU time a message, in microseconds:".to_owned(),
            head: head("side", SCENES.iter().map(|scene| scene.title)),
            rows: self.full.iter().map(row).collect(),
        }
    }

    fn rates(&self) -> Table {
        let row = |series: &Series| {
            let cells = SCENES.iter().map(|scene| {
                let (rate, used) = (series.of(scene.rate).median(), series.of(scene.used).median());
                let core = format!("{:.0} %", used * 100.0);
                if rate.is_nan() { "–".to_owned() } else { format!("{} ({core})", number(rate)) }
            });
            std::iter::once(series.side.clone()).chain(cells).collect()
        };
        Table {
            title: "Messages a second, and how much of its core the side used for them (where that is far from all, \
                    it waited for the other side or the disk, and the rate is not what it can do):"
                .to_owned(),
            head: head("side", SCENES.iter().map(|scene| scene.title)),
            rows: self.full.iter().map(row).collect(),
        }
    }

    /// CPU times as ratios to those who stand for something.
    fn ratios(&self) -> Table {
        let others =
            [EchoSide::BareTcp, EchoSide::BareWebSocket, EchoSide::ByHand, EchoSide::Generated];
        let mut rows = Vec::new();
        for side in [EchoSide::Memory, EchoSide::Process, EchoSide::Power, EchoSide::Sdk] {
            for scene in [&STREAM, &CHAT, &CROWD] {
                if self.of(side, scene.cpu).values().is_empty() {
                    continue;
                }
                let mut row = vec![format!("{side}, {}", scene.title)];
                row.extend(others.map(|other| ratio(&self.over(side, other, scene))));
                row.push(ratio(&self.over(EchoSide::Sdk, side, scene)));
                rows.push(row);
            }
        }
        let titles = others.map(|other| format!("over {other}"));
        let last = "official SDK over it";
        let titles = titles.iter().map(String::as_str).chain([last]);
        Table { title: "The same as ratios:".to_owned(), head: head("side", titles), rows }
    }

    fn latencies(&self) -> Table {
        let one = |series: &Series, even: &Even| {
            let [p50, p99, p999, rate] =
                [even.p50, even.p99, even.p999, even.rate].map(|figure| series.of(figure).median());
            if p50.is_nan() {
                return "–".to_owned();
            }
            if rate < f64::from(even.per_second) * (1.0 - SAME) {
                return format!("cannot keep up: {}/s", number(rate));
            }
            format!("{} / {} / {}", number(p50), number(p99), number(p999))
        };
        let row = |series: &Series| {
            let cells = EVEN.iter().map(|even| one(series, even));
            std::iter::once(series.side.clone()).chain(cells).collect()
        };
        Table {
            title: "Microseconds from the time at which a message was to be sent to its answer, p50 / p99 / p99.9:"
                .to_owned(),
            head: head("side", EVEN.iter().map(|even| even.title)),
            rows: self.even.iter().map(row).collect(),
        }
    }

    fn targets(&self) -> Vec<Target> {
        use EchoSide::{BareTcp, ByHand, Memory, Power, Process, Sdk};
        let cpu = |side, scene: &Scene| self.of(side, scene.cpu).median();
        let rate = |side, scene: &Scene| self.of(side, scene.rate).median();
        let over = |side, other, scene| self.over(side, other, scene).median();
        let least = |what: &str, bound, measured| Target {
            what: what.to_owned(),
            bound: Bound::AtLeast(bound),
            measured,
        };
        let most = |what: &str, bound, measured| Target {
            what: what.to_owned(),
            bound: Bound::AtMost(bound),
            measured,
        };
        vec![
            least("CPU of the official SDK over `memory`, 1×256", 30.0, over(Sdk, Memory, &STREAM)),
            least(
                "CPU of the official SDK over `process`, 1×256",
                20.0,
                over(Sdk, Process, &STREAM),
            ),
            least("CPU of the official SDK over `power`, 1×256", 20.0, over(Sdk, Power, &STREAM)),
            most("`memory` 1×256, CPU over the bot by hand", 3.0, over(Memory, ByHand, &STREAM)),
            most("`memory` 1×256, CPU µs a message", 3.5, cpu(Memory, &STREAM)),
            least("`memory` 1×256, messages a second", 250_000.0, rate(Memory, &STREAM)),
            most("`memory` 100×1, CPU over bare TCP", 1.8, over(Memory, BareTcp, &CROWD)),
            most("`memory` 100×1, CPU µs a message", 14.0, cpu(Memory, &CROWD)),
            most("`memory` 100×16, CPU over bare TCP", 9.0, over(Memory, BareTcp, &CROWD_16)),
            most("`memory` 100×16, CPU µs a message", 4.0, cpu(Memory, &CROWD_16)),
            most("`power` 1×256, CPU µs a message", 7.0, cpu(Power, &STREAM)),
            least("`power` 1×256, messages a second", 140_000.0, rate(Power, &STREAM)),
            most("`power` 100×1, CPU over bare TCP", 3.0, over(Power, BareTcp, &CROWD)),
            most("`power` 100×1, CPU µs a message", 20.0, cpu(Power, &CROWD)),
            most("`memory` 1×1, CPU over bare TCP", 1.5, over(Memory, BareTcp, &PING_PONG)),
        ]
    }

    /// How far the same program is from itself.
    fn same(&self, scene: &Scene) -> String {
        let again = self.over(EchoSide::ByHandAgain, EchoSide::ByHand, scene);
        let found = again.median();
        let verdict = if (found - 1.0).abs() > SAME {
            "inconclusive, since the same program twice should not be more than 5 % apart"
        } else {
            "differences beyond that are differences of the programs"
        };
        format!("The bot by hand over itself, {}: {}; {verdict}.", scene.title, ratio(&again))
    }

    /// Sides whose load took more than half of what they did: there the rate is the load's as well.
    fn heavy_load(&self) -> Option<String> {
        let mut heavy = Vec::new();
        for series in &self.full {
            for scene in SCENES {
                let part = series.of(scene.load).over(&series.of(scene.cpu)).median();
                if part > 0.5 {
                    heavy.push(format!("{} {} ({:.0} %)", series.side, scene.title, part * 100.0));
                }
            }
        }
        (!heavy.is_empty()).then(|| {
            format!(
                "The load used more than half as much CPU as the side with: {}. It has a core of its own, so the CPU \
                 times stand; the rates are partly the load's.",
                heavy.join(", ")
            )
        })
    }

    /// Whether the load was late itself.
    fn late_load(&self) -> Option<String> {
        let late = self.even.iter().flat_map(|series| {
            EVEN.iter().map(|even| (series.of(even.late).median(), &series.side, even.title))
        });
        let (late, side, title) = late
            .filter(|(late, ..)| *late > 100.0)
            .max_by(|one, other| one.0.total_cmp(&other.0))?;
        Some(format!(
            "The load was late itself, most of all with {side} at {title} (p99 {} µs, which is in the times).",
            number(late)
        ))
    }
}

fn head<'a>(first: &'a str, titles: impl Iterator<Item = &'a str>) -> Vec<String> {
    std::iter::once(first).chain(titles).map(str::to_owned).collect()
}

const METHOD: &str = "A server of the bench's own says texts of 150 to 400 bytes, half of them Chinese, and each side answers \
each with the same text; every answer is compared with what was said, and one that is lost, doubled or changed makes the run \
void. The bots log in, are told of a queue (NOTICE), fetch it in pages of at most 20 (SYNC), acknowledge each page and have \
each answer acknowledged; the two bare sides have the texts alone, without any protocol. `N×M` is N connections with M \
messages each that are not answered yet. Easebot is the bot of the README on tokio's default runtime, with one worker for its \
one core, without a pace and without delivery receipts, which no other side sends; its answers to one user leave one by one, \
each after the acknowledgement of the one before, which neither the SDK nor the bots by hand do. The SDK is easemob-websdk's \
mini-program build, unmodified, with its log off.";

#[cfg(test)]
mod tests;
