//! What a bench found, as a part of `docs/performance.md` and for the terminal.

use serde::{Deserialize, Serialize};

use crate::statistics::Samples;

/// One bench's part of the page.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Section {
    pub(crate) name: String,
    /// What was compared and how, in a sentence or three.
    pub(crate) method: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
    /// What a reader must know before he believes the figures: noise, a side that could not run, and why.
    pub(crate) remarks: Vec<String>,
    /// Every round's figures, for `target/bench/results.json`.
    pub(crate) raw: serde_json::Value,
}

/// Rows under a head; the first column names the row.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A figure that is to be reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Target {
    /// What is measured, with its unit.
    pub(crate) what: String,
    pub(crate) bound: Bound,
    pub(crate) measured: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Section {
    /// The section in Markdown, under a heading with its name.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n", self.name, self.method);
        for table in &self.tables {
            text += "\n";
            text += &table.markdown();
        }
        if !self.targets.is_empty() {
            let rows = self.targets.iter().map(Target::row).collect();
            let head = ["to reach", "wanted", "measured", "verdict"].map(str::to_owned).into();
            text += "\n";
            text += &Table { title: String::new(), head, rows }.markdown();
        }
        for remark in &self.remarks {
            text += &format!("\n- {remark}");
        }
        if !self.remarks.is_empty() {
            text += "\n";
        }
        text
    }
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = String::new();
        if !self.title.is_empty() {
            text += &self.title;
            text += "\n\n";
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text += &line(&self.head);
        let rule: Vec<String> = (0..self.head.len())
            .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        text += &line(&rule);
        for row in &self.rows {
            text += &line(row);
        }
        text
    }
}

impl Target {
    fn reached(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.measured <= bound,
            Bound::AtLeast(bound) => self.measured >= bound,
        }
    }

    fn row(&self) -> Vec<String> {
        let (sign, bound) = match self.bound {
            Bound::AtMost(bound) => ("≤", bound),
            Bound::AtLeast(bound) => ("≥", bound),
        };
        let verdict = if self.measured.is_nan() {
            "not measured".to_owned()
        } else if self.reached() {
            "reached".to_owned()
        } else {
            format!("missed: {} of what is wanted", percent(self.measured / bound))
        };
        vec![
            self.what.clone(),
            format!("{sign} {}", number(bound)),
            if self.measured.is_nan() { "–".to_owned() } else { number(self.measured) },
            verdict,
        ]
    }
}

/// A median with its spread: `3.42 ±4 %`.
pub(crate) fn cell(samples: &Samples) -> String {
    let median = samples.median();
    if median.is_nan() {
        return "–".to_owned();
    }
    if samples.values().len() < 2 {
        return number(median);
    }
    format!("{} ±{}", number(median), percent(samples.spread()))
}

/// A ratio: `2.31×`.
pub(crate) fn ratio(samples: &Samples) -> String {
    let median = samples.median();
    if median.is_nan() { "–".to_owned() } else { format!("{}×", number(median)) }
}

/// Three digits that matter, thousands apart by a space.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let decimals = match size {
        _ if size >= 100.0 || value == 0.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let whole = grouped(whole);
    if rest.is_empty() { whole } else { format!("{whole}.{rest}") }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.chars().count() - place;
        let after_digit = text.ends_with(|last: char| last.is_ascii_digit());
        if after_digit && left.is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn percent(part: f64) -> String {
    if part.is_finite() { format!("{:.0} %", part * 100.0) } else { "–".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        for (value, text) in [
            (0.0, "0"),
            (0.0314, "0.031"),
            (3.456, "3.46"),
            (34.56, "34.6"),
            (345.6, "346"),
            (1_234_567.0, "1 234 567"),
            (-1_000.0, "-1 000"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_missed_target_says_by_how_much() {
        let target =
            |bound, measured| Target { what: "CPU".to_owned(), bound, measured }.row()[3].clone();
        assert_eq!(target(Bound::AtMost(10.0), 9.0), "reached");
        assert_eq!(target(Bound::AtMost(10.0), 12.0), "missed: 120 % of what is wanted");
        assert_eq!(target(Bound::AtLeast(30.0), 27.0), "missed: 90 % of what is wanted");
        assert_eq!(target(Bound::AtLeast(30.0), f64::NAN), "not measured");
    }

    #[test]
    fn a_table_is_markdown_with_its_numbers_to_the_right() {
        let table = Table {
            title: "Echo".to_owned(),
            head: vec!["side".to_owned(), "µs".to_owned()],
            rows: vec![vec!["easebot".to_owned(), "3".to_owned()]],
        };
        assert_eq!(table.markdown(), "Echo\n\n| side | µs |\n| --- | ---: |\n| easebot | 3 |\n");
    }
}
