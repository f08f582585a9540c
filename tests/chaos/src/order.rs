//! What the command line asks for.

/// A scenario.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scenario {
    Cut,
    Disk,
    Flood,
    Kill,
    Refuse,
    Simulation,
}

/// Which scenarios, how long, and from which seed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Order {
    pub(crate) is_short: bool,
    /// None: another one each time.
    pub(crate) seed: Option<u64>,
    pub(crate) scenarios: Vec<Scenario>,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Simulation, Self::Cut, Self::Kill, Self::Flood, Self::Refuse, Self::Disk];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Disk => "disk",
            Self::Flood => "flood",
            Self::Kill => "kill",
            Self::Refuse => "refuse",
            Self::Simulation => "simulation",
        }
    }

    /// Those of one lane run one after the other, the lanes at the same time: one computes, one mostly waits.
    pub(crate) const fn lane(self) -> usize {
        match self {
            Self::Simulation => 0,
            Self::Cut => 1,
            Self::Disk | Self::Flood | Self::Kill | Self::Refuse => 2,
        }
    }
}

/// How many lanes there are.
pub(crate) const N_LANES: usize = 3;

impl Order {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut order = Self { is_short: false, seed: None, scenarios: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--short" => order.is_short = true,
                "--seed" => {
                    let seed = words.next().and_then(|seed| seed.parse().ok());
                    order.seed = Some(seed.ok_or("`--seed` wants a number")?);
                }
                name => {
                    let named = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
                    order.scenarios.push(named.ok_or_else(|| {
                        let names = Scenario::ALL.map(Scenario::name).join(", ");
                        format!("no scenario is called `{name}`; there are {names}")
                    })?);
                }
            }
        }
        if order.scenarios.is_empty() {
            order.scenarios = Scenario::ALL.into();
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, String> {
        Order::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn no_name_means_all() {
        let all = Scenario::ALL.to_vec();
        assert_eq!(parse(""), Ok(Order { is_short: false, seed: None, scenarios: all.clone() }));
        let short = Order { is_short: true, seed: Some(7), scenarios: all };
        assert_eq!(parse("--short --seed 7"), Ok(short));
    }

    #[test]
    fn each_scenario_is_found_by_its_name() {
        for scenario in Scenario::ALL {
            assert_eq!(parse(scenario.name()).unwrap().scenarios, [scenario]);
        }
    }

    #[test]
    fn a_wrong_word_is_named() {
        assert!(parse("--long").unwrap_err().contains("--long"));
        assert!(parse("--seed x").is_err());
        assert!(parse("--seed").is_err());
    }
}
