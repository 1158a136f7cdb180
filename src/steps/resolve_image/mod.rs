//! `resolve-image`: which tag of an image, or which version of a chart, an environment should run.

mod args;
mod choose;
mod follow;
mod outcome;
mod require;

pub use args::ResolveImageArgs;
pub use choose::{choose, choose_chart};
pub use outcome::{Choice, Resolution, Row};
pub use require::require;

use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::{self, WantedImage, images_of};
use crate::steps::if_readable;
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::name::{AppName, EnvName};
use crate::words::policy::{FILE_NAME, Resolved};
use crate::words::select::{Select, Write};
use crate::words::wording::shown;

/// The most characters of a chart's name.
const CHART_LONGEST: usize = 250;

/// What one run asks for, parsed.
#[derive(Clone, Debug)]
pub enum Request {
    /// A tag of an image, by flags.
    Image(Sought),
    /// A version of a chart in a repository on the web.
    Chart {
        /// The repository's address.
        repository: String,
        /// The chart.
        chart: String,
        /// How it is chosen.
        select: Select,
    },
    /// What the policy file says for an app in an environment.
    Policy(ByPolicy),
}

/// A question to the policy file.
#[derive(Clone, Debug)]
pub struct ByPolicy {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub env: EnvName,
    /// Which of the app's images.
    pub image: Option<ImageName>,
    /// What is written, if not what the policy says.
    pub write: Option<Write>,
    /// Where the policy file is.
    pub config_repo: RepoAddress,
    /// On which branch.
    pub branch: Option<String>,
}

/// An image, and how its tag is chosen.
#[derive(Clone, Debug)]
pub struct Sought {
    /// The image.
    pub name: ImageName,
    /// How its tag is chosen.
    pub select: Select,
}

/// What the policy says, and what stands in the files now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The image and its choice.
    pub sought: Sought,
    /// What stands, where all places agree.
    pub old: Option<String>,
    /// Why what is chosen would not be pushed.
    pub held: Option<String>,
}

impl Request {
    /// Parses the flags.
    ///
    /// # Errors
    /// `Invalid`, naming the flag that is wrong.
    pub fn new(args: &ResolveImageArgs) -> Result<Self, Fault> {
        let said = args.said();
        if let (Some(app), Some(env)) = (&args.app, &args.env) {
            let (orders, narrowed) = (said.orders(), args.narrows());
            if let Some(flag) = orders.first().copied().or(narrowed) {
                let why = format!("--app and --{flag} are two ways to say which tag wins");
                return Err(Fault::invalid(why).hint(format!(
                    "leave out --{flag}: the policy file's `select` says it; or leave out --app and --env"
                )));
            }
            return Ok(Self::Policy(ByPolicy {
                app: app.parse()?,
                env: env.parse()?,
                image: args.image.as_deref().map(str::parse).transpose()?,
                write: said.write,
                config_repo: RepoAddress::parse(&args.config_repo)?,
                branch: args.branch.clone(),
            }));
        }
        let Some(image) = &args.image else {
            return Err(Fault::invalid("nothing says which image")
                .hint("give --image with --constraint or the like; or --app and --env, for what the policy file says"));
        };
        let select = Select::parse(&said).map_err(|(word, fault)| of_flag(word, fault))?;
        match &args.chart_repo {
            None => Ok(Self::Image(Sought {
                name: image.parse()?,
                select,
            })),
            Some(repository) => {
                args.refuse_of_chart()?;
                Ok(Self::Chart {
                    repository: repository.clone(),
                    chart: chart(image)?,
                    select,
                })
            }
        }
    }
}

impl ResolveImageArgs {
    /// Returns a flag that the policy file has a word for, if one is given.
    fn narrows(&self) -> Option<&'static str> {
        let flags = [
            ("allow", self.select.allow.is_some()),
            ("ignore", self.select.ignore.is_some()),
            ("extract", self.select.extract.is_some()),
            ("pre-releases", self.select.pre_releases),
            ("platform", !self.select.platform.is_empty()),
            ("limit", self.select.limit.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// Refuses what an `index.yaml` cannot tell.
    fn refuse_of_chart(&self) -> Result<(), Fault> {
        let flags = [
            ("follow-tag", self.select.follow_tag.is_some()),
            ("platform", !self.select.platform.is_empty()),
            ("write", self.write.is_some()),
        ];
        match flags.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(
                Fault::invalid(format!("--{flag} says nothing of a chart repository"))
                    .hint("its index.yaml tells versions, and when they were made"),
            ),
            None => Ok(()),
        }
    }
}

impl ByPolicy {
    /// Reads what the policy says, and what stands.
    ///
    /// # Errors
    /// `NotFound` for an app, an environment or a choice that the policy does not know, `Invalid` where it does not tell
    /// which image is meant.
    pub fn standing(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Standing> {
        let policy = bump_values::read_policy(snapshot)?;
        let resolved = policy.resolve(&self.app, &self.env)?;
        let mut all = sought(&resolved, self.image.as_ref())?;
        let mut sought = all.remove(0);
        if !all.is_empty() {
            let why = format!(
                "`{}` has {} images, and one is asked for at a time",
                self.app,
                all.len() + 1
            );
            let names: Vec<String> = resolved.images.iter().map(ToString::to_string).collect();
            let hint = format!("say which with --image: {}", names.join(", "));
            return Err(Fault::invalid(why).hint(hint).into());
        }
        sought.select.write = self.write.or(sought.select.write);
        let stands = if_readable(images_of(&resolved, snapshot))?.unwrap_or_default();
        let this = |name: &Option<ImageName>| name.as_ref().is_none_or(|name| name.same_as(&sought.name));
        let old = stands.iter().find(|image| this(&image.name));
        let held = resolved.hold.as_ref().map(|hold| {
            let by = hold.by.as_ref().map(|by| format!(" by {}", shown(by)));
            format!(
                "`{}` of `{}` is held{}: {}; what is found here is not pushed until `rollback --release-hold`",
                hold.env,
                hold.app,
                by.unwrap_or_default(),
                shown(&hold.reason)
            )
        });
        Ok(Standing {
            old: old.map(WantedImage::version),
            sought,
            held,
        })
    }
}

/// Returns the images of an app, or the one that is meant, with the choice that the policy makes for an environment.
///
/// # Errors
/// `NotFound` where the policy makes none, or has no such image.
pub fn sought(resolved: &Resolved, image: Option<&ImageName>) -> Result<Vec<Sought>, Fault> {
    let (app, env) = (&resolved.app, &resolved.env);
    let select = resolved.select.as_ref().ok_or_else(|| {
        Fault::not_found(format!(
            "the policy does not say how a version of `{app}` is chosen for `{env}`"
        ))
        .hint(format!(
            "add `select:` to the environment in {FILE_NAME}, such as `select: {{constraint: '~> 1.1'}}`"
        ))
    })?;
    let meant = resolved
        .images
        .iter()
        .filter(|known| image.is_none_or(|image| image.same_as(known)));
    let sought: Vec<Sought> = meant
        .map(|name| Sought {
            name: name.clone(),
            select: select.clone(),
        })
        .collect();
    if !sought.is_empty() {
        return Ok(sought);
    }
    let known: Vec<String> = resolved.images.iter().map(ToString::to_string).collect();
    Err(match image {
        Some(image) => Fault::not_found(format!("the image `{image}` is not one of `{app}`"))
            .hint(format!("the policy knows {}", known.join(", "))),
        None => Fault::not_found(format!("the policy names no image for `{app}`"))
            .hint(format!("add `image:` to the app in {FILE_NAME}")),
    })
}

/// Puts a fault in the words of the flags.
fn of_flag(word: &str, fault: Fault) -> Fault {
    match word {
        "" => Fault::invalid(fault.message).hint(
            "give one of --constraint, --newest, --numeric, --lexical and --follow-tag; or --app and --env, for what the \
             policy file says",
        ),
        word => {
            let flag = if word == "platforms" { "platform" } else { word };
            let mut named = Fault::invalid(format!("--{flag}: {}", fault.message));
            named.hint = fault.hint;
            named
        }
    }
}

/// Reads the name of a chart, which is looked up in an index.
fn chart(name: &str) -> Result<String, Fault> {
    let right = (1..=CHART_LONGEST).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    right.then(|| name.to_owned()).ok_or_else(|| {
        Fault::invalid(format!("`{}` is no name of a chart", shown(name)))
            .hint("name the chart as Chart.yaml does, and its repository with --chart-repo")
    })
}
