//! Asks how the commits of an app's own repository lie to each other: a clone of it here, else its forge.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::console::Console;
use crate::plan::ancestry::Ancestry;
use crate::plan::comparison::Relation;
use crate::world::forge::Forge;
use crate::world::lineage;

/// The repositories that images are built in. What cannot be asked is told with `--verbose`, and is no failure.
pub(super) struct Sources<'a> {
    /// Opens the forge of a repository, if it may be asked.
    open: &'a dyn Fn(&str) -> Option<Forge>,
    console: &'a Console,
    /// What was answered; a run that is planned again asks nothing twice.
    answers: RefCell<BTreeMap<[String; 3], Option<Relation>>>,
}

impl<'a> Sources<'a> {
    /// Prepares to ask; nothing is sent yet.
    pub(super) fn new(open: &'a dyn Fn(&str) -> Option<Forge>, console: &'a Console) -> Self {
        Self {
            open,
            console,
            answers: RefCell::default(),
        }
    }

    fn ask(&self, repo: &str, old: &str, new: &str) -> Option<Relation> {
        let pair = format!("{old} and {new} of `{}`", repo.escape_debug());
        if let Some(relation) = lineage::relation(Path::new("."), repo, old, new) {
            self.console
                .detail(&format!("the clone here compares {pair}: {relation:?}"));
            return Some(relation);
        }
        let Some(forge) = (self.open)(repo) else {
            self.console
                .detail(&format!("no forge can be asked to compare {pair}"));
            return None;
        };
        match forge.compare(old, new) {
            Ok(Some(comparison)) => {
                let relation = comparison.relation;
                self.console
                    .detail(&format!("the forge compares {pair}: {relation:?}"));
                Some(relation)
            }
            Ok(None) => {
                self.console
                    .detail(&format!("the forge does not know both {pair}"));
                None
            }
            Err(fault) => {
                self.console
                    .detail(&format!("the forge does not compare {pair}: {fault}"));
                None
            }
        }
    }
}

impl Ancestry for Sources<'_> {
    fn relation(&self, repo: &str, old: &str, new: &str) -> anyhow::Result<Option<Relation>> {
        let key = [repo, old, new].map(str::to_owned);
        if let Some(answer) = self.answers.borrow().get(&key) {
            return Ok(*answer);
        }
        let answer = self.ask(repo, old, new);
        self.answers.borrow_mut().insert(key, answer);
        Ok(answer)
    }
}
