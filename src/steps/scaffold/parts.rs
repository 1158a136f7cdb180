//! What an application is made of: its environments and its services, as the flags name them.

use std::fmt;

use crate::words::fault::Fault;
use crate::words::image::ImageRef;
use crate::words::name::{AppName, EnvName};
use crate::words::policy::AutoDeploy;
use crate::words::wording::{shown, suggestion};

/// The words for an environment that deploys by itself, and for one that does not.
const ON_OFF: [&str; 7] = ["on", "off", "true", "false", "yes", "no", "manual"];
/// The environments, where neither flags nor template name any.
const USUAL: [&str; 2] = ["dev:on", "prod:off"];

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvName,
    /// Whether a build is pushed to it.
    pub auto_deploy: AutoDeploy,
    /// The environment whose versions are promoted to it: the one before.
    pub from: Option<EnvName>,
}

impl Environment {
    /// Returns the word for whether a build is pushed to it.
    pub fn auto_deploy(&self) -> &'static str {
        match self.auto_deploy {
            AutoDeploy::On => "on",
            AutoDeploy::Off => "off",
        }
    }
}

/// Reads the environments, `NAME[:on|off]`. Without a word the first one is on, and the others are off.
///
/// # Errors
/// `Invalid` for a name or a word that is none, and for a name that stands twice.
pub fn environments(given: &[String], of_template: &[String]) -> Result<Vec<Environment>, Fault> {
    let usual = USUAL.map(str::to_owned);
    let texts = [given, of_template, &usual]
        .into_iter()
        .find(|texts| !texts.is_empty());
    let mut found: Vec<Environment> = Vec::new();
    for text in texts.unwrap_or_default() {
        let (name, word) = match text.split_once(':') {
            Some((name, word)) => (name, Some(word)),
            None => (text.as_str(), None),
        };
        let name: EnvName = name.parse()?;
        let is_on = match word.map(str::to_ascii_lowercase).as_deref() {
            None => found.is_empty(),
            Some("on" | "true" | "yes") => true,
            Some("off" | "false" | "no" | "manual") => false,
            Some(word) => {
                return Err(
                    Fault::invalid(format!("--env {}: unknown word `{}`", shown(text), shown(word)))
                        .hint(suggestion(word, ON_OFF)),
                );
            }
        };
        if found.iter().any(|one| one.name == name) {
            return Err(Fault::invalid(format!("the environment `{name}` is named twice")));
        }
        found.push(Environment {
            auto_deploy: if is_on { AutoDeploy::On } else { AutoDeploy::Off },
            from: found.last().map(|before| before.name.clone()),
            name,
        });
    }
    Ok(found)
}

/// Finds the value that is given for an environment, as `[ENV=]VALUE`: its own, else the one for all.
///
/// # Errors
/// `Invalid` where two are given for it, and where one is given for an environment that there is not.
pub fn of_env(flag: &str, given: &[String], env: &EnvName, all: &[Environment]) -> Result<String, Fault> {
    let mut own = None;
    let mut general = None;
    for text in given {
        let (named, value) = match text.split_once('=') {
            Some((name, value)) => (Some(name), value),
            None => (None, text.as_str()),
        };
        if let Some(name) = named.filter(|name| !all.iter().any(|one| one.name.as_str() == *name)) {
            let near = suggestion(name, all.iter().map(|one| one.name.as_str()));
            return Err(Fault::invalid(format!(
                "{flag} {}: there is no environment `{}`",
                shown(text),
                shown(name)
            ))
            .hint(near));
        }
        let place = match named {
            Some(name) if name == env.as_str() => &mut own,
            Some(_) => continue,
            None => &mut general,
        };
        if place.replace(value).is_some() {
            return Err(Fault::invalid(format!("{flag} is given twice for `{env}`")));
        }
    }
    Ok(own.or(general).unwrap_or_default().to_owned())
}

/// What a service is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A ready image, as it is.
    Stock,
    /// A ready image, and what is added to it.
    Custom,
    /// Code of its own.
    Own,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "stock",
            Self::Custom => "custom",
            Self::Own => "own",
        })
    }
}

/// A service of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: AppName,
    /// What it is made of.
    pub kind: Kind,
    /// The ready image that it is, or is made from.
    pub image: Option<ImageRef>,
    /// Whether it lies at the root of the app's repository, and not in a folder of its name.
    pub at_root: bool,
}

impl Service {
    /// Whether the app's own CI builds it.
    pub fn is_built(&self) -> bool {
        self.kind != Kind::Stock
    }

    /// Returns the folder that it lies in.
    pub fn folder(&self) -> &str {
        if self.at_root { "." } else { self.name.as_str() }
    }
}

/// Reads the services, `NAME[:own|custom|stock][=IMAGE]`. Where none is named, the app is one, at the root.
///
/// # Errors
/// `Invalid` for a name, word or image that is none, and for a name that stands twice.
pub fn services(app: &AppName, given: &[String], of_template: &[String]) -> Result<Vec<Service>, Fault> {
    let texts = if given.is_empty() { of_template } else { given };
    let mut found: Vec<Service> = Vec::new();
    for text in texts {
        let (what, image) = match text.split_once('=') {
            Some((what, image)) => (what, Some(image.parse::<ImageRef>()?)),
            None => (text.as_str(), None),
        };
        let (name, kind) = match what.split_once(':') {
            Some((name, kind)) => (name, kind),
            None => (what, "own"),
        };
        let kind = match kind {
            "stock" => Kind::Stock,
            "custom" => Kind::Custom,
            "own" => Kind::Own,
            other => {
                let why = format!("--service {}: unknown word `{}`", shown(text), shown(other));
                return Err(Fault::invalid(why).hint(suggestion(other, ["own", "custom", "stock"])));
            }
        };
        let name: AppName = name.parse()?;
        if found.iter().any(|one| one.name == name) {
            return Err(Fault::invalid(format!("the service `{name}` is named twice")));
        }
        found.push(Service {
            name,
            kind,
            image,
            at_root: false,
        });
    }
    if found.is_empty() {
        found.push(Service {
            name: app.clone(),
            kind: Kind::Own,
            image: None,
            at_root: true,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_environment_deploys_by_itself_and_each_is_promoted_from_the_one_before() {
        for (given, due) in [
            (&[][..], "dev:on, prod:off<dev"),
            (&["dev", "prod:off"], "dev:on, prod:off<dev"),
            (&["a", "b", "c"], "a:on, b:off<a, c:off<b"),
            (&["a:MANUAL", "b:Yes"], "a:off, b:on<a"),
        ] {
            let found = environments(&texts(given), &[]).unwrap();
            let told: Vec<String> = found
                .iter()
                .map(|env| {
                    let from = env.from.as_ref().map(|from| format!("<{from}"));
                    format!("{}:{}{}", env.name, env.auto_deploy(), from.unwrap_or_default())
                })
                .collect();
            assert_eq!(told.join(", "), due);
        }
        for bad in [&["dev:onn"][..], &["Dev"], &["dev", "dev:off"], &[""]] {
            assert!(environments(&texts(bad), &[]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_value_is_an_environments_own_or_that_of_all() {
        let all = environments(&[], &[]).unwrap();
        let value = |given: &[&str], env: usize| of_env("--host", &texts(given), &all[env].name, &all);
        assert_eq!(value(&["a.example", "prod=b.example"], 0).unwrap(), "a.example");
        assert_eq!(value(&["a.example", "prod=b.example"], 1).unwrap(), "b.example");
        assert_eq!(value(&["prod=b.example"], 0).unwrap(), "");
        assert!(
            value(&["prdo=b.example"], 0)
                .unwrap_err()
                .hint
                .unwrap()
                .contains("`prod`")
        );
        assert!(value(&["a.example", "b.example"], 0).is_err());
    }

    #[test]
    fn a_service_has_a_kind_and_may_have_an_image() {
        let app: AppName = "shop".parse().unwrap();
        let found = services(&app, &texts(&["a", "b:custom=nginx:1.29", "c:stock"]), &[]).unwrap();
        let told: Vec<String> = found
            .iter()
            .map(|service| format!("{} {} {}", service.folder(), service.kind, service.is_built()))
            .collect();
        assert_eq!(told, ["a own true", "b custom true", "c stock false"]);
        assert_eq!(services(&app, &[], &[]).unwrap()[0].folder(), ".");
        for bad in [&["a:mine"][..], &["a", "a"], &["A"], &["a=B"]] {
            assert!(services(&app, &texts(bad), &[]).is_err(), "{bad:?}");
        }
    }
}
