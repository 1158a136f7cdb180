//! What a run asks for, parsed.

use semver::Version;

use super::args::{From, RulesArgs, SeriesArgs};
use crate::words::conventional::Level;
use crate::words::fault::Fault;
use crate::words::release_tag::{Channel, Prefix, parse_version};
use crate::words::repo_path::RepoPath;

/// One row of versions in a repository: its tags, and the commits that count.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// What stands before a version, if that is said.
    pub prefix: Option<Prefix>,
    /// Where a commit must change something; none means anywhere.
    pub paths: Vec<Option<RepoPath>>,
}

/// How the next version is counted.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which row of versions.
    pub series: Series,
    /// What says how far the version moves.
    pub from: From,
    /// How far it moves, if that is said outright.
    pub bump: Option<Level>,
    /// What everything else stands for.
    pub default: Level,
    /// Whether a breaking change ends 0.x.
    pub major_on_zero: bool,
    /// The first version.
    pub initial: Version,
    /// The channel of a pre-release.
    pub channel: Option<Channel>,
}

impl Series {
    /// Parses the flags.
    ///
    /// # Errors
    /// `Invalid` for a prefix that no tag can have, and a path that leaves the repository.
    pub fn parse(args: &SeriesArgs) -> Result<Self, Fault> {
        Ok(Self {
            prefix: args.tag_prefix.as_deref().map(Prefix::parse).transpose()?,
            paths: paths_in(&args.path)?,
        })
    }
}

impl Rules {
    /// Parses the flags.
    ///
    /// # Errors
    /// `Invalid` that names the flag that is wrong.
    pub fn parse(args: &RulesArgs) -> Result<Self, Fault> {
        let initial = parse_version("--initial", &args.initial)?;
        if !initial.pre.is_empty() || !initial.build.is_empty() {
            return Err(Fault::invalid("--initial is a pre-release")
                .hint("give the version that it leads to, and the channel with --channel"));
        }
        let default = match (args.default_bump, args.from) {
            (Some(bump), _) => bump.into(),
            (None, From::Commits) => Level::None,
            (None, From::Labels) => Level::Patch,
        };
        Ok(Self {
            series: Series::parse(&args.series)?,
            from: args.from,
            bump: args.bump.map(Level::from),
            default,
            major_on_zero: args.major_on_zero,
            initial,
            channel: args.channel.as_deref().map(Channel::parse).transpose()?,
        })
    }
}

/// Reads paths; `None` is the directory itself, written `.`.
///
/// # Errors
/// `Invalid` for a path that leaves the repository.
pub fn paths_in(paths: &[String]) -> Result<Vec<Option<RepoPath>>, Fault> {
    let one = |path: &String| match path.as_str() {
        "." | "./" => Ok(None),
        path => RepoPath::parse(path).map(Some).map_err(|fault| Fault {
            message: format!("{}, for --path", fault.message),
            ..fault
        }),
    };
    paths.iter().map(one).collect()
}
