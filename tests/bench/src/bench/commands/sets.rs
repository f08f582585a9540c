//! Fifty commands, derived and configured.

use easebot_macros::Commands;

macro_rules! commands {
    ($($name:ident)*) => {
        /// A variant for each command.
        #[derive(Commands, Debug)]
        #[commands(crate = "easebot_handler")]
        #[expect(dead_code, reason = "made to be measured, and to be shown by its tests")]
        pub(crate) enum Fifty {
            $(
                /// does what its name says
                $name {
                    /// what it is about
                    what: String,
                    /// how many
                    #[arg(default = "1", min = 1, max = 99)]
                    n: u8,
                },
            )*
        }

        /// Their names.
        pub(crate) fn names() -> Vec<String> {
            [$(stringify!($name)),*].map(str::to_lowercase).into()
        }
    };
}

commands! {
    Weather Remind Order Cancel Refund Track Stock Price Coupon Points
    Invoice Address Phone Hours Agent Human Language Subscribe Silence Status
    Deploy Rollback Logs Alert Page Build Test Merge Release Ticket
    Assign Close Reopen Vote Poll Draw Dice Coin Quote Translate
    Define Convert Calculate Meeting Room Lunch Holiday Salary Door Coffee
}

/// The same fifty, as keys of the plugin `command`.
pub(crate) fn keys() -> String {
    let command = |name: &String| {
        format!(
            "[[command]]\nname = '{name}'\nhelp = 'does what its name says'\nreply = '{{{{ args.what }}}} {{{{ args.n }}}}'\n\
             [[command.args]]\nname = 'what'\n[[command.args]]\nname = 'n'\ntype = 'integer'\ndefault = 1\nmin = 1\nmax = 99\n"
        )
    };
    names().iter().map(command).collect()
}

#[cfg(test)]
mod tests {
    use easebot_handler::CommandSet;

    use super::*;

    #[test]
    fn there_are_fifty_under_the_same_names_as_derived() {
        let set = CommandSet::<Fifty>::new().unwrap();
        let derived: Vec<&str> = set.commands().map(|command| command.name.as_str()).collect();
        assert_eq!(derived.len(), 50);
        assert_eq!(derived, names());
    }
}
