//! What a run of `bump-values` asks for, parsed once from flags, event and bulk list.

use super::args::BumpValuesArgs;
use super::hold::HoldChange;
use super::required;
use super::way::{self, Choosing, Past, Promotion, WantedImage, Way, When};
use crate::plan::commit::{Identity, Signing};
use crate::steps::args::{CommitArgs, GuardArgs, PublishArgs, PullRequestArgs};
use crate::steps::open_promotion_pr::Required;
use crate::words::changes::Change;
use crate::words::event::{Event, Push};
use crate::words::fault::Fault;
use crate::words::image::{Digest, Tag};
use crate::words::name::{AppName, EnvName};
use crate::words::payload::Source;
use crate::words::platform::Platform;
use crate::words::template::{MESSAGE_NAMES, Template};
use crate::words::wording::one_line;

/// What the world knows beside the flags.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The event, when one was asked for.
    pub event: Option<Event>,
    /// The bulk list, when one was asked for.
    pub changes: Option<Vec<Change>>,
    /// The build that runs this, as CI tells it.
    pub source: Source,
    /// Who started the run, as CI tells it.
    pub actor: Option<String>,
    /// Whether the config repo is a directory.
    pub directory: bool,
    /// Whether CI runs this.
    pub ci: bool,
}

/// One run, parsed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag, or a fact of where it runs"
)]
#[derive(Clone, Debug)]
pub struct Request {
    /// Which values, in one of the ways of the documentation.
    pub way: Way,
    /// How it is published.
    pub publish: PublishArgs,
    /// How a pull request looks.
    pub pull_request: PullRequestArgs,
    /// The name of several apps that go together.
    pub group: Option<AppName>,
    /// Which deployment has to be there first.
    pub required: Option<Required>,
    /// What the images that are written have to run on, and so to be in their registry first; `None` where that is not asked.
    pub require_image: Option<Vec<Platform>>,
    /// The environment that was named as the one where the values come from.
    pub from_env: Option<EnvName>,
    /// The commit of the config repo whose values are restored.
    pub restored: Option<String>,
    /// What there is to say where nothing changes.
    pub note: Option<String>,
    /// Where a registry's tags were chosen from, what there is to say about that.
    pub chosen: Option<Vec<String>>,
    /// What becomes of the hold on the app.
    pub hold: Option<HoldChange>,
    /// How order is judged.
    pub guard: GuardArgs,
    /// The message's template, when one was given.
    pub message: Option<Template>,
    /// Whether the subject ends in `[skip ci]`.
    pub skip_ci: bool,
    /// Author and committer, when given.
    pub author: Option<Identity>,
    /// The signature, when asked for.
    pub signing: Option<Signing>,
    /// Where the image comes from.
    pub source: Source,
    /// Who started it.
    pub actor: Option<String>,
    /// The address of this very run, in CI.
    pub job_url: Option<String>,
    /// Whether the values come from an event: then `source` is what the payload claims.
    pub from_event: bool,
    /// The fields of the event that nothing reads, by their JSON paths.
    pub ignored: Vec<String>,
    /// Whether the config repo is a directory.
    pub directory: bool,
    /// Whether CI runs this.
    pub ci: bool,
    /// Whether a digest that hides the new tag may go.
    pub drop_digest: bool,
    /// Whether a tag that belies the new digest may go.
    pub drop_tag: bool,
    /// What happens to a path that does not exist.
    pub if_missing: crate::yaml::IfMissing,
    /// Whether anchored values may change.
    pub allow_shared: bool,
    /// Whether a value may not change over which another one lies.
    pub fail_if_shadowed: bool,
}

impl Request {
    /// Parses the flags and what came with them.
    ///
    /// # Errors
    /// A fault of kind `Invalid` that names the flag, or the field of the event, that is wrong.
    pub fn new(args: BumpValuesArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let way = way::way(&args.what, inputs)?;
        let chooses = matches!(way, Way::Choose(_));
        let mut request = Self::of_way(args, inputs, way)?;
        if chooses {
            request.built_none();
        }
        Ok(request)
    }

    /// Parses the flags of a promotion. Where its images were built is read in the config repo: this run built none.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn of_promotion(args: BumpValuesArgs, inputs: &Inputs, promotion: Promotion) -> Result<Self, Fault> {
        let mut request = Self::of_way(args, inputs, Way::Promote(promotion))?;
        request.built_none();
        Ok(request)
    }

    /// Parses the flags of a rollback; without a past, only the hold on the app changes.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn of_past(
        args: BumpValuesArgs,
        inputs: &Inputs,
        (app, env): (AppName, EnvName),
        to: Option<When>,
    ) -> Result<Self, Fault> {
        let way = match to {
            Some(to) => Way::Past(Past { app, env, to }),
            None => Way::Policy {
                env,
                apps: vec![(app, Vec::new())],
            },
        };
        let mut request = Self::of_way(args, inputs, way)?;
        request.built_none();
        Ok(request)
    }

    /// Forgets this run as a build: it brings what others have built.
    fn built_none(&mut self) {
        self.source = Source {
            run_url: self.source.run_url.take(),
            actor: self.source.actor.take(),
            ..Source::default()
        };
    }

    pub(super) fn of_way(args: BumpValuesArgs, inputs: &Inputs, way: Way) -> Result<Self, Fault> {
        let CommitArgs {
            message,
            skip_ci,
            author,
            signing,
        } = args.commit.clone();
        Self::leaves_out_of_a_list(args.guard.on_stale, &way)?;
        let event = inputs.event.as_ref();
        let (source, actor, from_event) = match event {
            Some(Event::Deploy(deploy)) => (
                deploy.payload.source.clone(),
                deploy.actor.clone().or(inputs.actor.clone()),
                true,
            ),
            Some(Event::Push(push)) => (source_of(push), push.actor.clone().or(inputs.actor.clone()), true),
            _ => (inputs.source.clone(), inputs.actor.clone(), false),
        };
        Ok(Self {
            way,
            message: message
                .map(|text| Template::parse(&text, MESSAGE_NAMES))
                .transpose()?,
            skip_ci,
            author: author.map(|text| identity(&text)).transpose()?,
            signing: signing.parse()?,
            source,
            actor,
            job_url: inputs.source.run_url.clone(),
            from_event,
            ignored: match event {
                Some(Event::Deploy(deploy)) => deploy.payload.ignored.clone(),
                _ => Vec::new(),
            },
            directory: inputs.directory,
            ci: inputs.ci,
            drop_digest: args.what.drop_digest,
            drop_tag: args.what.drop_tag,
            if_missing: args.what.if_missing.into(),
            allow_shared: args.what.allow_shared,
            fail_if_shadowed: args.what.fail_if_shadowed,
            publish: with_reason(args.publish)?,
            guard: args.guard,
            pull_request: args.pull_request,
            group: None,
            required: None,
            require_image: required::platforms(&args.what)?,
            from_env: None,
            restored: None,
            note: None,
            chosen: None,
            hold: None,
        })
    }

    /// Returns the one image that was asked for; `None` where there are several, or none.
    pub fn wanted_image(&self) -> Option<(Option<&Tag>, Option<&Digest>)> {
        match &self.way {
            Way::Policy { apps, .. } => match apps.as_slice() {
                [(_, images)] => match images.as_slice() {
                    [image] => Some((image.tag.as_ref(), image.digest.as_ref())),
                    _ => None,
                },
                _ => None,
            },
            Way::Files(files) => files
                .image
                .as_ref()
                .map(|(_, want)| (want.tag.as_ref(), want.digest.as_ref())),
            Way::Choose(_)
            | Way::Changes(_)
            | Way::Promote(_)
            | Way::Past(_)
            | Way::Whole(_)
            | Way::Nothing(_) => None,
        }
    }

    /// Tells of fields of the event that nothing reads, such as misspelt ones.
    pub fn passed_over(&self) -> Option<String> {
        let shown: Vec<String> = self
            .ignored
            .iter()
            .take(5)
            .map(|field| format!("`{field}`"))
            .collect();
        let more = match self.ignored.len().saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!shown.is_empty()).then(|| format!("the event holds what nothing reads: {}{more}", shown.join(", ")))
    }

    /// Returns whether this goes back to what was before, or changes what is held there.
    pub fn goes_back(&self) -> bool {
        matches!(self.way, Way::Past(_)) || self.restored.is_some() || self.hold.is_some()
    }

    /// Returns the environment, where the policy was asked.
    pub fn env(&self) -> Option<&EnvName> {
        match &self.way {
            Way::Policy { env, .. }
            | Way::Choose(Choosing { env, .. })
            | Way::Promote(Promotion { env, .. })
            | Way::Past(Past { env, .. }) => Some(env),
            Way::Files(_) | Way::Changes(_) | Way::Whole(_) | Way::Nothing(_) => None,
        }
    }

    /// Returns the apps that the policy was asked for.
    pub fn apps(&self) -> Vec<&AppName> {
        match &self.way {
            Way::Policy { apps, .. } => apps.iter().map(|(app, _)| app).collect(),
            Way::Promote(promotion) => promotion.apps.iter().collect(),
            Way::Choose(choosing) => vec![&choosing.app],
            Way::Past(past) => vec![&past.app],
            Way::Files(_) | Way::Changes(_) | Way::Whole(_) | Way::Nothing(_) => Vec::new(),
        }
    }

    /// Returns the apps with the images that were asked for, where the policy was asked.
    pub fn wanted(&self) -> &[(AppName, Vec<WantedImage>)] {
        match &self.way {
            Way::Policy { apps, .. } => apps,
            Way::Choose(_)
            | Way::Promote(_)
            | Way::Past(_)
            | Way::Files(_)
            | Way::Changes(_)
            | Way::Whole(_)
            | Way::Nothing(_) => &[],
        }
    }

    /// Returns the app and the environment, where the policy was asked for one app; several apps go by the name of
    /// their group.
    pub fn app_env(&self) -> Option<(&AppName, &EnvName)> {
        let app = match (self.apps().as_slice(), &self.group) {
            ([app], _) => *app,
            (_, Some(group)) => group,
            _ => return None,
        };
        Some((app, self.env()?))
    }
}

/// What a push tells of where the image comes from.
fn source_of(push: &Push) -> Source {
    Source {
        repo: push.repo.clone(),
        commit: Some(push.after.clone()),
        reference: Some(push.reference.clone()),
        actor: push.actor.clone(),
        ..Source::default()
    }
}

/// Checks that an override has a reason, which the commit is to record.
fn with_reason(publish: PublishArgs) -> Result<PublishArgs, Fault> {
    match &publish.override_policy {
        Some(reason) if one_line(reason).is_empty() => {
            Err(Fault::invalid("--override-policy is given without a reason")
                .hint("say why, as in --override-policy 'the shop is down'"))
        }
        _ => Ok(publish),
    }
}

fn identity(text: &str) -> Result<Identity, Fault> {
    let wrong = || {
        Fault::invalid(format!("`{}` is no author", text.escape_debug()))
            .hint("write it as \"Name <email@example.com>\"")
    };
    let (name, rest) = text.split_once('<').ok_or_else(wrong)?;
    let email = rest.trim_end().strip_suffix('>').ok_or_else(wrong)?;
    let fits =
        |part: &str| !part.is_empty() && !part.contains(['<', '>']) && !part.chars().any(char::is_control);
    if !fits(name.trim()) || !fits(email.trim()) {
        return Err(wrong());
    }
    Ok(Identity {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
    })
}
