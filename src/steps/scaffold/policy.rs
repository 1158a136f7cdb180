//! The entry of an application in the policy file: made, or held against the one that is there.

use serde_json::{Map, Value as Json, json};

use super::parts::Environment;
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::name::AppName;
use crate::words::policy::{FILE_NAME, Policy, Resolved};
use crate::yaml::{self, Edit, IfMissing, Operation, Path, Segment, Value};

/// What a policy file begins with that is made here.
const HEAD: &str = "\
# Where the version of each app stands in each environment, and how it may change: by a push of its pipeline
# (auto-deploy: on), or by pull request only. All keys: docs/policy.md of gitops-steps.
version: 1
";

/// A place of a version: the file, and the path in it.
pub type Place = (String, Option<String>);

/// The entry of an application.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The app.
    pub app: AppName,
    /// The image that a payload may bring; with several, only a tag.
    pub image: Option<ImageName>,
    /// The app's repository.
    pub source: String,
    /// The environments, and the places of each.
    pub envs: Vec<(Environment, Vec<Place>)>,
}

impl Entry {
    /// Returns a policy file that has this entry alone.
    ///
    /// # Errors
    /// What the engine says, which no entry of ours leads to.
    pub fn file(&self) -> Result<String, Fault> {
        let edit = set(&["apps", self.app.as_str()], self.whole());
        let made = yaml::File::parse(HEAD.as_bytes()).and_then(|file| file.apply(&[edit]));
        made.map(|edited| edited.text)
            .map_err(|error| crate::steps::fault_in(FILE_NAME, error))
    }

    /// Returns the edits that bring the entry into a policy: none where it is there.
    ///
    /// # Errors
    /// `Refused` where the policy says otherwise for the app.
    pub fn edits(&self, policy: &Policy) -> Result<Vec<Edit>, Fault> {
        let is_named = policy.apps().any(|name| name == self.app.as_str());
        let mut edits = Vec::new();
        let mut otherwise = None;
        for (env, places) in &self.envs {
            let has_env = policy
                .environments(self.app.as_str())
                .any(|name| name == env.name.as_str());
            match policy.resolve(&self.app, &env.name) {
                Ok(resolved) => {
                    let Some(what) = self.disagrees(&resolved, env, places) else {
                        continue;
                    };
                    if has_env || !is_named {
                        otherwise = otherwise.or(Some((env, what)));
                        continue;
                    }
                }
                Err(_) if is_named => {}
                Err(_) => {
                    otherwise = otherwise.or(Some((env, "is missing".to_owned())));
                    continue;
                }
            }
            let keys = ["apps", self.app.as_str(), "environments", env.name.as_str()];
            edits.push(set(&keys, environment(env, places)));
        }
        match otherwise {
            Some((env, what)) if is_named => Err(Fault::refused(format!(
                "the policy has `{}` in `{}` already, and {what}",
                self.app, env.name
            ))
            .at(FILE_NAME, 0, 0)
            .hint("ask for what it says, or change its entry by hand first")),
            // What `"*"` says for every app is not what is asked for: the app gets an entry of its own.
            Some(_) => Ok(vec![set(&["apps", self.app.as_str()], self.whole())]),
            None => Ok(edits),
        }
    }

    /// Says in what a policy differs from the entry, if it does.
    fn disagrees(&self, resolved: &Resolved, env: &Environment, places: &[Place]) -> Option<String> {
        let same_image = |image: &ImageName| resolved.images.iter().any(|known| known.same_as(image));
        if self.image.as_ref().is_some_and(|image| !same_image(image)) {
            return Some("for another image".to_owned());
        }
        if resolved.auto_deploy != env.auto_deploy {
            return Some(format!("auto-deploy is not {} there", env.auto_deploy()));
        }
        if env.from.is_some() && resolved.promote_from != env.from {
            return Some("it is promoted from another environment".to_owned());
        }
        if !resolved.accepts_source(Some(&self.source)) {
            return Some(format!("it takes no build of `{}`", self.source));
        }
        let has = |(file, path): &Place| {
            let mut targets = resolved.targets.iter();
            targets.any(|target| target.file.as_str() == file && target.path == *path)
        };
        let missing = places.iter().find(|place| !has(place));
        missing.map(|(file, _)| format!("`{file}` is not among its places"))
    }

    fn whole(&self) -> Json {
        let mut app = Map::new();
        if let Some(image) = &self.image {
            app.insert("image".to_owned(), image.to_string().into());
        }
        app.insert("source".to_owned(), json!([self.source]));
        let envs = self.envs.iter();
        let envs = envs.map(|(env, places)| (env.name.to_string(), environment(env, places)));
        app.insert("environments".to_owned(), Json::Object(envs.collect()));
        Json::Object(app)
    }
}

fn environment(env: &Environment, places: &[Place]) -> Json {
    let mut entry = Map::new();
    entry.insert("auto-deploy".to_owned(), env.auto_deploy().into());
    if let Some(from) = &env.from {
        entry.insert("promote-from".to_owned(), from.as_str().into());
    }
    let targets = places.iter().map(|(file, path)| match path {
        Some(path) => json!({ "file": file, "path": path }),
        None => json!({ "file": file }),
    });
    entry.insert("targets".to_owned(), Json::Array(targets.collect()));
    Json::Object(entry)
}

fn set(keys: &[&str], value: Json) -> Edit {
    let path = keys.iter().map(|key| Segment::Key((*key).to_owned())).collect();
    Edit {
        document: None,
        path: Path::from_segments(path).expect("it is not empty"),
        operation: Operation::Set {
            value: Value::Json(value),
        },
        if_missing: IfMissing::Create,
        allow_shared: false,
    }
}
