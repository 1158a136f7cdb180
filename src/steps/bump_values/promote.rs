//! What another environment has now, to be taken over.

use super::by_policy::place_of;
use super::draft::Draft;
use super::read_policy;
use super::request::Request;
use super::way::{Promotion, WantedImage, Way};
use crate::plan::places::Place;
use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::name::{AppName, EnvName};
use crate::words::payload::Source;
use crate::words::policy::{Policy, Resolved, Target};
use crate::words::trailers::{Key, Trailers};

/// How many commits are looked through for the one that brought a version.
const HISTORY: usize = 10;

impl Request {
    /// Returns the request with what the other environment has in the snapshot, or what the same one had before, in
    /// place of its name; a request of another kind as it is.
    ///
    /// Only tag and digest of the app's images are taken over: a digest that the other environment does not have is
    /// dropped here, and so is a tag.
    ///
    /// # Errors
    /// `Refused` where places of the other environment disagree, `NotFound` where it holds no version or is not known.
    pub fn settled(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Self> {
        let promotion = match &self.way {
            Way::Promote(promotion) => promotion,
            Way::Past(past) => return self.restored(past, snapshot),
            Way::Policy { .. }
            | Way::Choose(_)
            | Way::Files(_)
            | Way::Changes(_)
            | Way::Whole(_)
            | Way::Nothing(_) => {
                return Ok(self.clone());
            }
        };
        let policy = read_policy(snapshot)?;
        let mut apps = Vec::new();
        let mut source = self.source.clone();
        for app in apps_of(&policy, promotion)? {
            let to = policy.resolve(&app, &promotion.env)?;
            let from = from_of(promotion, &to)?;
            let from = policy.resolve(&app, &from)?;
            let images = images_of(&from, snapshot)?;
            if promotion.apps.len() == 1 {
                source = built_from(&from, &images, snapshot, source)?;
            }
            apps.push((app, images));
        }
        Ok(Self {
            way: Way::Policy {
                env: promotion.env.clone(),
                apps,
            },
            source,
            drop_digest: true,
            drop_tag: true,
            ..self.clone()
        })
    }
}

impl Request {
    /// Returns the request that has what a head branch carries, in place of what was asked for; `None` where that is not
    /// known by policy. Where it was built is not known then.
    ///
    /// # Errors
    /// What cannot be read there.
    pub fn carried_by(&self, head: &dyn Snapshot) -> anyhow::Result<Option<Self>> {
        let Way::Policy { env, apps } = &self.way else {
            return Ok(None);
        };
        let policy = read_policy(head)?;
        let carried = apps
            .iter()
            .map(|(app, _)| Ok((app.clone(), images_of(&policy.resolve(app, env)?, head)?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Some(Self {
            way: Way::Policy {
                env: env.clone(),
                apps: carried,
            },
            source: Source::default(),
            actor: None,
            drop_digest: true,
            drop_tag: true,
            ..self.clone()
        }))
    }
}

/// Adds where the image was built, as the trailers of the commit tell that brought it to the other environment.
pub(super) fn built_from(
    from: &Resolved,
    images: &[WantedImage],
    snapshot: &dyn Snapshot,
    source: Source,
) -> anyhow::Result<Source> {
    let ([image], Some(target)) = (images, from.targets.first()) else {
        return Ok(source);
    };
    let tag = image.tag.as_ref().map(ToString::to_string);
    for commit in snapshot.history(&target.file, HISTORY)? {
        let trailers = Trailers::parse(&commit.message);
        if trailers.get(Key::New).is_some() && trailers.get(Key::New) == tag.as_deref() {
            let get = |key| trailers.get(key).map(str::to_owned);
            return Ok(Source {
                repo: get(Key::SourceRepo),
                commit: get(Key::SourceCommit),
                sequence: trailers
                    .get(Key::SourceSequence)
                    .and_then(|number| number.parse().ok()),
                // With the number goes the run that it counts.
                run_url: get(Key::RunUrl).or(source.run_url),
                ..source
            });
        }
    }
    Ok(source)
}

/// The apps that were named, or all that have both environments.
fn apps_of(policy: &Policy, promotion: &Promotion) -> Result<Vec<AppName>, Fault> {
    if !promotion.apps.is_empty() {
        return Ok(promotion.apps.clone());
    }
    let mut apps = Vec::new();
    for name in policy.apps() {
        let app: AppName = name.parse()?;
        let Ok(to) = policy.resolve(&app, &promotion.env) else {
            continue;
        };
        let from = promotion.from.as_ref().or(to.promote_from.as_ref());
        if from.is_some_and(|from| policy.resolve(&app, from).is_ok()) {
            apps.push(app);
        }
    }
    if apps.is_empty() {
        return Err(Fault::not_found(format!(
            "no app of the policy has both `{}` and an environment to promote from",
            promotion.env
        ))
        .hint("name that environment with --from-env, or in the policy with `promote-from`"));
    }
    Ok(apps)
}

fn from_of(promotion: &Promotion, to: &Resolved) -> Result<EnvName, Fault> {
    let from = promotion.from.clone().or_else(|| to.promote_from.clone());
    let from = from.ok_or_else(|| {
        Fault::invalid(format!(
            "nothing says from where `{}` of `{}` is promoted",
            to.env, to.app
        ))
        .hint("give --from-env, or `promote-from` in the policy; or a --tag")
    })?;
    if from == to.env {
        return Err(Fault::invalid(format!("`{from}` cannot be promoted to itself")));
    }
    Ok(from)
}

/// What stands at the places of an environment, one version for each image.
///
/// # Errors
/// `Refused` where places disagree, `NotFound` for one that is not there or holds no version.
pub fn images_of(from: &Resolved, snapshot: &dyn Snapshot) -> anyhow::Result<Vec<WantedImage>> {
    let mut draft = Draft::default();
    let paths: Vec<_> = from.targets.iter().map(|target| target.file.clone()).collect();
    let opened = draft.open(snapshot, &paths)?;
    let only = match from.images.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    let mut found: Vec<(WantedImage, String)> = Vec::new();
    for (target, path) in from.targets.iter().zip(&opened) {
        let name = target.image.as_ref().or(only).cloned();
        let place = place_of(&draft, path, target, name.as_ref())?;
        let at = at(target, path.as_str(), &place);
        let image = written(name, &place).map_err(|fault| fault.at(path.as_str(), place.line, 0))?;
        let other = found.iter().find(|(other, _)| same_name(other, &image));
        match other {
            Some((other, _)) if *other == image => {}
            Some((other, other_at)) => {
                return Err(Fault::refused(format!(
                    "the places of `{}` in `{}` disagree: {} at {other_at}, {} at {at}",
                    from.app,
                    from.env,
                    version(other),
                    version(&image),
                ))
                .hint("let them agree first, or say which version with --tag")
                .into());
            }
            None => found.push((image, at)),
        }
    }
    Ok(found.into_iter().map(|(image, _)| image).collect())
}

fn written(name: Option<ImageName>, place: &Place) -> Result<WantedImage, Fault> {
    let image = WantedImage {
        name,
        tag: place.written.tag.as_deref().map(str::parse).transpose()?,
        digest: place.written.digest.as_deref().map(str::parse).transpose()?,
    };
    if image.tag.is_none() && image.digest.is_none() {
        return Err(Fault::not_found("there is no tag or digest here"));
    }
    Ok(image)
}

fn same_name(a: &WantedImage, b: &WantedImage) -> bool {
    match (&a.name, &b.name) {
        (Some(a), Some(b)) => a.same_as(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

pub(super) fn version(image: &WantedImage) -> String {
    format!("`{}`", image.version())
}

fn at(target: &Target, file: &str, place: &Place) -> String {
    let cluster = target
        .cluster
        .as_ref()
        .map(|cluster| format!(" ({})", cluster.escape_debug()));
    format!("{file}:{}{}", place.line, cluster.unwrap_or_default())
}
