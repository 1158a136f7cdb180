//! From a branch's own line of commits to what they changed at the places that are watched.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use std::cmp::Ordering;

use super::now::standings;
use super::reading::{Reading, Readings};
use super::report::{Change, Cut, Entry, Report};
use super::request::{Edge, Request, Subject};
use super::told::Words;
use super::watch::Watch;
use crate::plan::log::{ChangedFile, LineCommit, Log};
use crate::words::fault::Fault;
use crate::words::policy::{FILE_NAME, Policy};
use crate::words::repo_path::RepoPath;
use crate::words::version;

/// How many commits in a row have to be too old before the rest is taken to be too: clocks differ.
const STRAY_CLOCKS: usize = 16;

/// The value of one place on its way.
pub(super) struct Moved {
    pub(super) file: usize,
    pub(super) spot: usize,
    pub(super) old: Reading,
    pub(super) new: Reading,
}

/// What a walk has gathered so far.
struct Walk<'a> {
    log: &'a dyn Log,
    watch: Watch<'a>,
    readings: Readings,
    /// The changes, and the pair of each.
    entries: Vec<(usize, Entry)>,
    /// The newest change of each place: the number of its entry.
    last: HashMap<(usize, usize), usize>,
    /// What stood at each place where the history ends that is told.
    stood: HashMap<(usize, usize), Reading>,
    commits: usize,
    cut: Option<Cut>,
}

impl Request {
    /// Reads the history that was asked for.
    ///
    /// # Errors
    /// `NotFound` without a policy file, and for an app, an environment or an edge that is not there; a read that failed.
    pub fn tell(&self, log: &dyn Log) -> anyhow::Result<Report> {
        let policy = policy(log)?;
        let watch = Watch::new(&policy, self, log)?;
        if !policy.has_unnamed() {
            watch.check_asked(&BTreeSet::new())?;
        }
        let mut walk = Walk {
            log,
            watch,
            readings: Readings::default(),
            entries: Vec::new(),
            last: HashMap::new(),
            stood: HashMap::new(),
            commits: 0,
            cut: None,
        };
        let begin = self.walk(&mut walk)?;
        let told = walk.entries.iter().map(|(_, entry)| entry.app.as_str()).collect();
        walk.watch.check_asked(&told)?;
        Ok(self.report(begin, walk))
    }

    /// Walks down the line, and returns the commit from which on it is told.
    fn walk(&self, walk: &mut Walk<'_>) -> anyhow::Result<LineCommit> {
        let mut begin: Option<LineCommit> = None;
        let mut old = 0;
        let mut next = Some(walk.log.tip().to_owned());
        while let Some(id) = next.take() {
            let commit = walk.log.commit(&id)?;
            walk.commits += 1;
            if begin.is_none() && self.begins_at(&commit) {
                begin = Some(commit.clone());
                if self.subject == Subject::Now {
                    walk.read_all(&commit)?;
                }
            }
            match &self.since {
                Some(Edge::Commit(since)) if commit.log.id.starts_with(since) => {
                    return Ok(begin.unwrap_or(commit));
                }
                Some(Edge::Moment(since)) if commit.when < *since => old += 1,
                _ => old = 0,
            }
            if commit.cut {
                walk.cut = Some(Cut {
                    depth: walk.commits,
                    commit: commit.log.id.clone(),
                    when: commit.when,
                });
                break;
            }
            let moves = walk.moves(&commit)?;
            if begin.is_some() && old == 0 {
                walk.tell(&commit, moves)?;
            }
            next.clone_from(&commit.parent);
            let enough = self.limit.is_some_and(|limit| walk.entries.len() > limit);
            if old > STRAY_CLOCKS {
                return Ok(begin.unwrap_or(commit));
            }
            if enough {
                break;
            }
        }
        if let (Some(since @ Edge::Commit(_)), None) = (&self.since, &next) {
            return Err(no_edge(Some(since), walk.cut.as_ref()).into());
        }
        begin.ok_or_else(|| no_edge(self.until.as_ref(), walk.cut.as_ref()).into())
    }

    fn begins_at(&self, commit: &LineCommit) -> bool {
        match &self.until {
            None => true,
            Some(Edge::Moment(until)) => commit.when < *until,
            Some(Edge::Commit(until)) => commit.log.id.starts_with(until),
        }
    }

    fn report(&self, begin: LineCommit, walk: Walk<'_>) -> Report {
        let environments = walk.watch.environments();
        let (mut entries, mut stand) = (None, None);
        let mut more = false;
        match self.subject {
            Subject::Now => {
                stand = Some(standings(
                    &walk.watch,
                    &walk.entries,
                    &walk.last,
                    &walk.stood,
                    &begin,
                    walk.cut.as_ref(),
                ));
            }
            Subject::Changes => {
                let limit = self.limit.unwrap_or(usize::MAX);
                more = walk.entries.len() > limit;
                entries = Some(
                    walk.entries
                        .into_iter()
                        .map(|(_, entry)| entry)
                        .take(limit)
                        .collect(),
                );
            }
        }
        Report {
            tip: begin.log.id,
            tip_when: begin.when,
            commits: walk.commits,
            cut: walk.cut,
            more,
            environments,
            entries,
            standings: stand,
        }
    }
}

impl Walk<'_> {
    /// Reads what stands at every place in a commit.
    fn read_all(&mut self, commit: &LineCommit) -> anyhow::Result<()> {
        let files = self.log.files(&commit.log.id)?;
        self.watch.discover(&files)?;
        for number in 0..self.watch.files.len() {
            let content = files.get(&self.watch.files[number].here);
            let readings = self.readings(content.map(String::as_str), number)?;
            let stood = readings.iter().cloned().enumerate();
            self.stood
                .extend(stood.map(|(spot, reading)| ((number, spot), reading)));
        }
        Ok(())
    }

    fn readings(&mut self, content: Option<&str>, file: usize) -> anyhow::Result<std::rc::Rc<Vec<Reading>>> {
        let watched = &self.watch.files[file];
        self.readings
            .of(self.log, content, file, &watched.path, &watched.spots)
            .with_context(|| format!("cannot read `{}`", watched.here))
    }

    /// Returns the values that a commit changed.
    fn moves(&mut self, commit: &LineCommit) -> anyhow::Result<Vec<Moved>> {
        let changes = self.log.changes(commit)?;
        let mut watched = Vec::new();
        for change in &changes {
            if let Some(file) = self.watch.file(&change.path)? {
                watched.push((file, change));
            }
        }
        let before = self.names_before(commit, &changes, &watched)?;
        let mut moves = Vec::new();
        for (file, change) in watched {
            let old = change.old.as_deref().or(before.get(&file).copied());
            let (old, new) = (
                self.readings(old, file)?,
                self.readings(change.new.as_deref(), file)?,
            );
            for (spot, (old, new)) in old.iter().zip(new.iter()).enumerate() {
                if old != new {
                    let (old, new) = (old.clone(), new.clone());
                    moves.push(Moved { file, spot, old, new });
                }
            }
        }
        Ok(moves)
    }

    /// Follows files that came by a rename, and returns what each held under its old name.
    fn names_before<'c>(
        &mut self,
        commit: &LineCommit,
        changes: &'c [ChangedFile],
        watched: &[(usize, &ChangedFile)],
    ) -> anyhow::Result<HashMap<usize, &'c str>> {
        let mut before = HashMap::new();
        let came = watched.iter().filter(|(_, change)| change.old.is_none());
        let came: HashMap<&str, usize> = came.map(|(file, change)| (change.path.as_str(), *file)).collect();
        let gone: HashMap<&str, &str> = changes
            .iter()
            .filter(|change| change.new.is_none())
            .filter_map(|change| Some((change.path.as_str(), change.old.as_deref()?)))
            .collect();
        if came.is_empty() || gone.is_empty() {
            return Ok(before);
        }
        for (old, new) in self.log.renames(commit)? {
            if let (Some(file), Some(content)) = (came.get(new.as_str()), gone.get(old.as_str()))
                && !watched.iter().any(|(_, change)| change.path == old)
            {
                self.watch.renamed(*file, &old);
                before.insert(*file, *content);
            }
        }
        Ok(before)
    }

    /// Adds the entries of a commit: one for each value that moved, however many places it stands at.
    fn tell(&mut self, commit: &LineCommit, moves: Vec<Moved>) -> anyhow::Result<()> {
        if moves.is_empty() {
            return Ok(());
        }
        let words = Words::of(commit.clone(), self.log)?;
        let mut groups: BTreeMap<_, Vec<Moved>> = BTreeMap::new();
        for moved in moves {
            let spot = &self.watch.files[moved.file].spots[moved.spot];
            let pair = &self.watch.pairs[spot.pair];
            let image = spot.image.as_ref().map(ToString::to_string);
            let values = (
                moved.old.value().map(str::to_owned),
                moved.new.value().map(str::to_owned),
            );
            let key = (pair.app.clone(), pair.env.clone(), spot.pair, image, values);
            groups.entry(key).or_default().push(moved);
        }
        for ((app, env, pair, image, (old, new)), moves) in groups {
            let spot = |moved: &Moved| &self.watch.files[moved.file].spots[moved.spot];
            let all = self.watch.pairs[pair].spots.iter().filter(|(file, spot)| {
                let other = &self.watch.files[*file].spots[*spot];
                other.image.as_ref().map(ToString::to_string) == image
            });
            let entry = Entry {
                change: change(&moves[0]),
                partial: all.count() > moves.len(),
                clusters: distinct(
                    moves
                        .iter()
                        .filter_map(|moved| spot(moved).target.cluster.clone()),
                ),
                files: distinct(
                    moves
                        .iter()
                        .map(|moved| self.watch.files[moved.file].here.clone()),
                ),
                told: words.about(app.as_str(), env.as_str(), new.as_deref()),
                app: app.to_string(),
                env: env.to_string(),
                old,
                new,
                image,
            };
            for moved in &moves {
                let at = (moved.file, moved.spot);
                self.last.entry(at).or_insert(self.entries.len());
            }
            self.entries.push((pair, entry));
        }
        Ok(())
    }
}

fn policy(log: &dyn Log) -> anyhow::Result<Policy> {
    let path = RepoPath::parse(FILE_NAME)?;
    let missing = || {
        Fault::not_found(format!("the branch has no policy file `{FILE_NAME}` at its root")).hint(
            "history reads the places that the policy lists; add one, or name the branch or the folder that has it",
        )
    };
    let real = log.leads_to(log.tip(), &path)?.ok_or_else(missing)?;
    let files = log.files(log.tip())?;
    let content = files.get(real.as_str()).ok_or_else(missing)?;
    Policy::parse(FILE_NAME, &log.read(content)?).context("cannot read the policy file")
}

fn change(moved: &Moved) -> Change {
    match (&moved.old, &moved.new) {
        (_, Reading::Unreadable) => Change::Broken,
        (_, Reading::Nothing) => Change::Removed,
        (Reading::Unreadable, Reading::Value(_)) => Change::Mended,
        (Reading::Nothing, Reading::Value(_)) => Change::Added,
        (Reading::Value(old), Reading::Value(new)) => match compare(old, new) {
            Some(Ordering::Less) => Change::Newer,
            Some(Ordering::Greater) => Change::Older,
            Some(Ordering::Equal) | None => Change::Changed,
        },
    }
}

/// Compares the tags of two values.
pub(super) fn compare(old: &str, new: &str) -> Option<Ordering> {
    let tag = |value: &str| value.split('@').next().unwrap_or(value).to_owned();
    version::compare(&tag(old), &tag(new))
}

pub(super) fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The fault for an edge that the line does not reach.
fn no_edge(edge: Option<&Edge>, cut: Option<&Cut>) -> Fault {
    let what = match edge {
        Some(Edge::Moment(moment)) => format!("the branch has no commit before {moment}"),
        Some(Edge::Commit(commit)) => format!("the commit {commit} is not on the branch's own line"),
        None => "the branch has no commit".to_owned(),
    };
    match cut {
        Some(cut) => Fault::not_found(format!(
            "{what}, as far as this shallow clone of {} commits tells",
            cut.depth
        ))
        .hint("run `git fetch --unshallow` first"),
        None => Fault::not_found(what)
            .hint("only first parents are followed; `git log --first-parent` lists them"),
    }
}
