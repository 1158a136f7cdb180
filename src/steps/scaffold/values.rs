//! What goes into the holes of a template: from flags, the template's defaults, and where things are.

use std::collections::BTreeMap;

use super::args::ScaffoldArgs;
use super::parts::{Environment, Kind, Service, of_env};
use super::places::Names;
use super::render::AllValues;
use super::template::Template;
use crate::words::fault::Fault;
use crate::words::folder_template::Values;
use crate::words::forge_repo::ForgeKind;
use crate::words::image::{ImageName, ImageRef, Tag};
use crate::words::name::AppName;
use crate::words::scaffold_manifest::{ArgoCd, Manifest, SETTABLE};
use crate::words::wording::{shown, suggestion};

/// What a service of its own code is built from, until its people choose.
const OWN_BASE: &str = "docker.io/library/busybox:1.37";

/// An application, as it was asked for.
#[derive(Debug)]
pub struct Asked {
    /// Its name.
    pub app: AppName,
    /// Its environments.
    pub envs: Vec<Environment>,
    /// Its services.
    pub services: Vec<Service>,
    /// The image that its CI pushes; with several services, what stands before their names.
    pub image: ImageName,
    /// What is made for Argo CD.
    pub argocd: ArgoCd,
    /// Whether app and config lie in one repository.
    pub one_repo: bool,
    /// What the forge calls the repositories.
    pub names: Names,
    /// The version of this program.
    pub version: &'static str,
}

impl Asked {
    /// Returns the services that the app's CI builds.
    pub fn built(&self) -> Vec<&Service> {
        self.services
            .iter()
            .filter(|service| service.is_built())
            .collect()
    }

    /// Returns the image of a service that is built.
    pub fn image_of(&self, service: &Service) -> String {
        match self.built().len() {
            0 | 1 => self.image.to_string(),
            _ => format!("{}/{}", self.image, service.name),
        }
    }

    /// Returns the values of every hole.
    ///
    /// # Errors
    /// `Invalid` for a value that breaks its grammar or pattern, and for one that is missing.
    pub fn values(&self, args: &ScaffoldArgs, template: &Template) -> Result<AllValues, Fault> {
        let manifest = &template.manifest;
        let set = read_set(&args.set, manifest)?;
        let settable = settable(args, &set, manifest)?;
        let mut fixed = self.fixed(args, template);
        fixed.extend(own(&set, manifest)?);
        fixed.extend(filled(&settable, &[("app", self.app.as_str())]));
        let envs = self
            .envs
            .iter()
            .map(|env| self.of_env(args, env, &settable, manifest));
        let tag = fixed["tag"].clone();
        Ok(AllValues {
            envs: envs.collect::<Result<_, _>>()?,
            services: self
                .services
                .iter()
                .map(|service| self.of_service(service, &tag))
                .collect(),
            fixed,
        })
    }

    fn fixed(&self, args: &ScaffoldArgs, template: &Template) -> Values {
        let built = self.built();
        let main = built.first().copied().or(self.services.first());
        let edge = |env: Option<&Environment>| env.map(|env| env.name.to_string()).unwrap_or_default();
        let owner = self.names.app.rsplit_once('/').map_or("", |(owner, _)| owner);
        let count = match built.len() {
            0 => "none",
            1 => "one",
            _ => "many",
        };
        let pairs = [
            ("app", self.app.to_string()),
            ("app_repo", self.names.app.clone()),
            ("argocd", self.argocd.word().to_owned()),
            ("argocd_url", self.names.argocd_url.clone()),
            ("branch", args.branch.clone().unwrap_or_else(|| "main".to_owned())),
            ("config_repo", self.names.config.clone()),
            ("config_url", self.names.config_url.clone()),
            ("context", main.map_or(".", Service::folder).to_owned()),
            (
                "envs",
                if self.envs.len() == 1 { "one" } else { "many" }.to_owned(),
            ),
            ("first_env", edge(self.envs.first())),
            ("forge", self.names.forge.word().to_owned()),
            ("image", self.image.to_string()),
            ("last_env", edge(self.envs.last())),
            (
                "main_service",
                main.map(|main| main.name.to_string()).unwrap_or_default(),
            ),
            ("owner", owner.to_owned()),
            (
                "registry",
                self.image.registry().unwrap_or("docker.io").to_owned(),
            ),
            ("repos", if self.one_repo { "one" } else { "two" }.to_owned()),
            (
                "revision",
                args.branch.clone().unwrap_or_else(|| "HEAD".to_owned()),
            ),
            ("services", count.to_owned()),
            ("template", template.name.clone()),
            ("version", self.version.to_owned()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn of_env(
        &self,
        args: &ScaffoldArgs,
        env: &Environment,
        settable: &Values,
        manifest: &Manifest,
    ) -> Result<Values, Fault> {
        let holes = [("app", self.app.as_str()), ("env", env.name.as_str())];
        let mut values = filled(settable, &holes);
        for name in ["application", "namespace", "project", "argocd_namespace"] {
            label(name, &values[name])?;
        }
        let given = of_env("--host", &args.host, &env.name, &self.envs)?;
        let host = fill(&given, &holes);
        if !host.is_empty() {
            check_host(&host)?;
        }
        let given = of_env("--certificate-arn", &args.certificate_arn, &env.name, &self.envs)?;
        let certificate = certificate(&host, given, &manifest.certificates)?;
        values.extend(
            [
                ("auto_deploy", env.auto_deploy().to_owned()),
                ("certificate_arn", certificate),
                ("env", env.name.to_string()),
                ("host", host),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        Ok(values)
    }

    fn of_service(&self, service: &Service, tag: &str) -> Values {
        let (image, tag) = match (service.kind, &service.image) {
            (Kind::Own | Kind::Custom, _) => (self.image_of(service), tag.to_owned()),
            (Kind::Stock, Some(image)) => (image.name.to_string(), pinned(image)),
            (Kind::Stock, None) => (format!("docker.io/library/{}", service.name), "latest".to_owned()),
        };
        let base = service.image.as_ref().map(ToString::to_string);
        let base = base.unwrap_or_else(|| match service.kind {
            Kind::Own => OWN_BASE.to_owned(),
            Kind::Custom | Kind::Stock => String::new(),
        });
        [
            ("base", base),
            ("folder", service.folder().to_owned()),
            ("kind", service.kind.to_string()),
            ("service", service.name.to_string()),
            ("service_image", image),
            ("service_tag", tag),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Returns the image that a forge's own registry has for a repository.
///
/// # Errors
/// `Invalid` where the repository's name cannot be that of an image.
pub fn usual_image(names: &Names, registry: Option<&str>, server: Option<&str>) -> Result<ImageName, Fault> {
    let path = names.app.to_ascii_lowercase();
    let host = match (names.forge, registry, server) {
        (ForgeKind::GitHub, ..) => "ghcr.io".to_owned(),
        (ForgeKind::GitLab, Some(registry), _) => registry.to_owned(),
        (ForgeKind::GitLab, None, Some(server)) => {
            let host = server.split("://").last().unwrap_or_default();
            format!("registry.{}", host.split(['/', ':']).next().unwrap_or_default())
        }
        (ForgeKind::GitLab, None, None) => "registry.gitlab.com".to_owned(),
    };
    format!("{host}/{path}")
        .parse()
        .map_err(|fault: Fault| fault.hint("name the image with --image"))
}

/// A ready image's tag, with its digest where it has one.
fn pinned(image: &ImageRef) -> String {
    let tag = image.tag.as_ref().map_or("latest", Tag::as_str);
    match &image.digest {
        Some(digest) => format!("{tag}@{digest}"),
        None => tag.to_owned(),
    }
}

fn read_set<'a>(given: &'a [String], manifest: &Manifest) -> Result<BTreeMap<&'a str, &'a str>, Fault> {
    let mut set = BTreeMap::new();
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Fault::invalid(format!("--set {} has no `=`", shown(text))).hint("write it as --set NAME=VALUE")
        })?;
        let names = manifest.settable();
        if !names.contains(&name) {
            return Err(
                Fault::invalid(format!("the template has no hole `{}`", shown(name)))
                    .hint(suggestion(name, names.iter().copied())),
            );
        }
        if set.insert(name, value).is_some() {
            return Err(Fault::invalid(format!("--set gives `{name}` twice")));
        }
    }
    Ok(set)
}

/// The values of the names that have a default.
fn settable(args: &ScaffoldArgs, set: &BTreeMap<&str, &str>, manifest: &Manifest) -> Result<Values, Fault> {
    let in_image = args.image.as_deref().map(str::parse::<ImageRef>).transpose()?;
    let flag = |name: &str| match name {
        "namespace" => args.namespace.clone(),
        "port" => args.port.map(|port| port.to_string()),
        "project" => args.project.clone(),
        "tag" => args
            .tag
            .clone()
            .or_else(|| Some(in_image.as_ref()?.tag.as_ref()?.to_string())),
        _ => None,
    };
    let mut values = Values::new();
    for (name, usual) in SETTABLE {
        let given = set.get(name).map(|value| (*value).to_owned());
        let value = match (flag(name), given) {
            (Some(_), Some(_)) => {
                return Err(Fault::invalid(format!("--{name} and --set {name}=… are given")).hint("give one"));
            }
            (flag, given) => flag.or(given),
        };
        let value = value.or_else(|| manifest.defaults.get(*name).cloned());
        values.insert((*name).to_owned(), value.unwrap_or_else(|| (*usual).to_owned()));
    }
    values["tag"].parse::<Tag>()?;
    if !values["port"].parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(Fault::invalid(format!("`{}` is no port", shown(&values["port"]))).hint("1 to 65535"));
    }
    Ok(values)
}

/// The values of the template's own holes.
fn own(set: &BTreeMap<&str, &str>, manifest: &Manifest) -> Result<Values, Fault> {
    let mut values = Values::new();
    for (name, hole) in &manifest.holes {
        let help = if hole.help.is_empty() { name } else { &hole.help };
        let value = set.get(name.as_str()).map(|value| (*value).to_owned());
        let value = value.or_else(|| hole.default.clone()).ok_or_else(|| {
            Fault::invalid(format!("the template needs a value for `{name}`"))
                .hint(format!("give it with --set {name}=…: {}", shown(help)))
        })?;
        if let Some(pattern) = hole.pattern.as_ref().filter(|pattern| !pattern.is_match(&value)) {
            let why = format!(
                "`{}` is no value for `{name}`: it does not match {pattern}",
                shown(&value)
            );
            return Err(Fault::invalid(why).hint(shown(help)));
        }
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn filled(values: &Values, holes: &[(&str, &str)]) -> Values {
    let filled = values
        .iter()
        .map(|(name, value)| (name.clone(), fill(value, holes)));
    filled.collect()
}

/// Fills the few holes that a value may have itself.
pub fn fill(text: &str, holes: &[(&str, &str)]) -> String {
    holes.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

fn label(name: &str, text: &str) -> Result<(), Fault> {
    text.parse::<AppName>().map(|_| ()).map_err(|fault| {
        let wrong = Fault::invalid(format!("`{}` cannot be the value of `{name}`", shown(text)));
        Fault {
            hint: fault.hint,
            ..wrong
        }
    })
}

/// Checks that a host is the name of one: labels between dots (RFC 1123).
fn check_host(host: &str) -> Result<(), Fault> {
    let right = host.len() <= 253 && host.split('.').all(|part| part.parse::<AppName>().is_ok());
    if right {
        return Ok(());
    }
    Err(Fault::invalid(format!("`{}` is no host", shown(host)))
        .hint("a name such as web.example.com, in lower case"))
}

/// Returns the certificate of a host: the one that is given, else that of the template's table; the two must agree.
fn certificate(host: &str, given: String, table: &BTreeMap<String, String>) -> Result<String, Fault> {
    let domain = host.split_once('.').map(|(_, domain)| format!("*.{domain}"));
    let known = table.get(host).or_else(|| table.get(&domain?));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    if !given.is_empty() && (!given.starts_with("arn:") || !given.bytes().all(plain)) {
        return Err(Fault::invalid(format!("`{}` is no ARN", shown(&given)))
            .hint("a certificate's ARN begins with arn:aws:acm:"));
    }
    match (known, given.is_empty(), host.is_empty()) {
        (_, false, true) => {
            Err(Fault::invalid("a certificate is given for no host").hint("name the host with --host"))
        }
        (Some(known), false, _) if *known != given => Err(Fault::invalid(format!(
            "the certificate of `{host}` is {}, as the template's table has it, not {given}",
            shown(known)
        ))
        .hint("leave out --certificate-arn, or correct the host")),
        (_, false, _) => Ok(given),
        (Some(known), true, _) => Ok(known.clone()),
        (None, true, false) if !table.is_empty() => {
            let why = format!("the template's table has no certificate for `{host}`");
            Err(Fault::invalid(why).hint(format!(
                "it has those of {}; or give --certificate-arn",
                table
                    .keys()
                    .map(|host| shown(host))
                    .collect::<Vec<_>>()
                    .join(", ")
            )))
        }
        (None, true, _) => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_certificate_of_its_domain() {
        let table: BTreeMap<String, String> = [("*.staging.example", "arn:1"), ("example", "arn:2")]
            .map(|(host, arn)| (host.to_owned(), arn.to_owned()))
            .into();
        let found = |host: &str, given: &str| certificate(host, given.to_owned(), &table);
        assert_eq!(found("todo.staging.example", "").unwrap(), "arn:1");
        assert_eq!(found("example", "arn:2").unwrap(), "arn:2");
        assert_eq!(found("", "").unwrap(), "");
        for (host, given) in [
            ("todo.staging.example", "arn:2"),
            ("a.todo.staging.example", ""),
            ("other.example", ""),
            ("", "arn:1"),
            ("example", "no-arn"),
        ] {
            assert!(found(host, given).is_err(), "{host} {given}");
        }
        assert_eq!(
            certificate("any.example", String::new(), &BTreeMap::new()).unwrap(),
            ""
        );
    }
}
