//! Where the data is, and whose.

use std::{collections::HashMap, io::ErrorKind, path::PathBuf, process::ExitCode};

use easebot_store::{AccountKey, Desk, Item, OpenError};

use crate::{Program, args::WhereArgs, bots::DATABASE, check, speech::Complaint};

/// The data of some bots.
pub(crate) struct Place {
    pub(crate) desk: Desk,
    /// Of one bot only.
    pub(crate) account: Option<AccountKey>,
    /// What the configuration calls the accounts.
    names: HashMap<AccountKey, String>,
}

impl Place {
    /// The place that `args` means; an exit code if everything has been said.
    pub(crate) async fn find(
        program: &Program,
        args: &WhereArgs,
    ) -> anyhow::Result<Result<Self, ExitCode>> {
        let (folder, names) = match &args.data {
            Some(folder) => (folder.clone(), HashMap::new()),
            None => match configured(program, args) {
                Ok(found) => found,
                Err(code) => return Ok(Err(code)),
            },
        };
        let desk = Desk::open(folder.join(DATABASE)).map_err(complain)?;
        let mut place = Self { desk, account: None, names };
        if let Some(name) = &args.bot {
            place.account = Some(place.account_of(name).await?);
        }
        Ok(Ok(place))
    }

    async fn account_of(&self, name: &str) -> anyhow::Result<AccountKey> {
        if let Some((account, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return Ok(account.clone());
        }
        let accounts = self.desk.accounts().await?;
        let is_meant = |account: &AccountKey| account.as_str() == name || account.user() == name;
        let mut meant = accounts.into_iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(account), None) => Ok(account),
            (Some(_), Some(_)) => {
                Err(Complaint::wrong_usage(format!("several apps have a bot `{name}`"))
                    .hint("write it as ORG#APP#USER")
                    .into())
            }
            (None, _) => Err(Complaint::wrong_usage(format!("there is no bot `{name}`")).into()),
        }
    }

    /// Whether `item` is among what was asked for.
    pub(crate) fn covers(&self, item: &Item) -> bool {
        self.account.as_ref().is_none_or(|account| item.account == *account)
    }

    /// What the bot of `account` is called.
    pub(crate) fn name<'a>(&'a self, account: &'a AccountKey) -> &'a str {
        self.names.get(account).map_or_else(|| account.user(), String::as_str)
    }
}

fn configured(
    program: &Program,
    args: &WhereArgs,
) -> Result<(PathBuf, HashMap<AccountKey, String>), ExitCode> {
    let config = check::read(program, &args.config)?;
    let names = config.bots.iter();
    let names = names.map(|bot| (AccountKey::new(&bot.app_key, &bot.user), bot.name.clone()));
    Ok((config.runtime.data_dir.clone(), names.collect()))
}

fn complain(error: OpenError) -> anyhow::Error {
    let complaint = Complaint::wrong_usage("cannot open the bots' data");
    let complaint = match &error {
        OpenError::Missing { .. } => complaint.hint(
            "bots make it when they start, unless all of them have `durability = \"memory\"`; name its folder with `--data DIR`",
        ),
        OpenError::Unseen { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            complaint.hint("the data belongs to the user of the bots: ask as root")
        }
        OpenError::Older { .. } => complaint.hint("start the bots once with this version"),
        _ => complaint,
    };
    anyhow::Error::new(error).context(complaint)
}
