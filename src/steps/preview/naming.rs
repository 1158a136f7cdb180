//! What a preview is called, where it is reached, and what the holes of its templates stand for.

use super::args::NamingArgs;
use crate::plan::open_request::OpenRequest;
use crate::words::change_request_event::carries;
use crate::words::fault::Fault;
use crate::words::folder_template::Values;
use crate::words::name::LABEL_MAX;
use crate::words::payload::read_url;
use crate::words::slug::{self, Slug};
use crate::words::template::{Part, Template};
use crate::words::wording::shown;

/// The most characters of a host's name (RFC 1035).
const HOST_MAX: usize = 253;
/// What may stand in a host, and in an address.
const HOST_NAMES: &[&str] = &["app", "pr", "slug"];
const URL_NAMES: &[&str] = &["app", "host", "pr", "sha", "slug", "tag"];

/// How previews are called and reached.
#[derive(Clone, Debug)]
pub struct Naming {
    max: usize,
    tells_apart: bool,
    host: Option<Template>,
    url: Option<Template>,
}

/// The slug of a branch, and who else has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The slug.
    pub slug: Slug,
    /// What there is to say about others.
    pub warning: Option<String>,
}

impl Naming {
    /// Reads the flags.
    ///
    /// # Errors
    /// `Invalid` for a length that no label has, and for a template with an unknown hole or without the slug.
    pub fn new(args: &NamingArgs) -> Result<Self, Fault> {
        let read = |flag: &str, text: &str, names| {
            Template::parse(text, names).map_err(|mut fault| {
                fault.message = format!("{flag}: {}", fault.message);
                fault
            })
        };
        let domain = args.domain.as_deref().map(|domain| match domain.trim() {
            host if host.contains('{') => host.to_owned(),
            domain => format!("{{slug}}.{}", domain.trim_start_matches('.')),
        });
        Ok(Self {
            max: slug::read_max(args.slugs.max)?,
            tells_apart: args.slugs.suffix_on_collision,
            host: domain
                .map(|host| read("--domain", &host, HOST_NAMES))
                .transpose()?,
            url: args
                .environment_url
                .as_deref()
                .map(|url| read("--environment-url", url, URL_NAMES))
                .transpose()?,
        })
    }

    /// Returns the plain slug of a branch.
    ///
    /// # Errors
    /// `Invalid` where that is no label.
    pub fn plain(&self, branch: &str) -> Result<Slug, Fault> {
        Slug::of_branch(branch, self.max)
    }

    /// Returns every slug that a branch can go by.
    pub fn all(&self, branch: &str) -> Vec<Slug> {
        let apart = self.tells_apart.then(|| Slug::told_apart(branch, self.max));
        self.plain(branch)
            .into_iter()
            .chain(apart.and_then(Result::ok))
            .collect()
    }

    /// Returns whether an open request keeps a slug that one of this number had, or may have had where it is not known.
    pub fn keeps(&self, other: &OpenRequest, number: Option<u64>, slug: &Slug) -> bool {
        let is_older = number.is_none_or(|number| other.number < number);
        self.plain(&other.branch).is_ok_and(|plain| plain == *slug) && (is_older || !self.tells_apart)
    }

    /// Names a branch among the open requests: the oldest of those of one slug keeps it, and each of the others is told
    /// apart where that was asked for. `number` is the branch's own request, where it is known.
    ///
    /// # Errors
    /// As [`Naming::plain`].
    pub fn among(&self, branch: &str, number: Option<u64>, rivals: &[&OpenRequest]) -> Result<Named, Fault> {
        let plain = self.plain(branch)?;
        let rivals: Vec<&&OpenRequest> = rivals
            .iter()
            .filter(|other| {
                other.branch != branch && self.plain(&other.branch).is_ok_and(|slug| slug == plain)
            })
            .collect();
        let Some(first) = rivals.first() else {
            return Ok(Named {
                slug: plain,
                warning: None,
            });
        };
        let whose = format!(
            "`{plain}` is the slug of `{}` too, of pull request {}",
            shown(&first.branch),
            first.number
        );
        if !self.tells_apart {
            let warning = Some(format!("{whose}: rename a branch, or give --suffix-on-collision"));
            return Ok(Named { slug: plain, warning });
        }
        let is_oldest = number.is_some_and(|number| rivals.iter().all(|other| number < other.number));
        if is_oldest {
            return Ok(Named {
                slug: plain,
                warning: None,
            });
        }
        let slug = Slug::told_apart(branch, self.max)?;
        Ok(Named {
            warning: Some(format!("{whose}; this one goes by `{slug}`")),
            slug,
        })
    }

    /// Adds the host and the address to what is known of a preview.
    ///
    /// # Errors
    /// `Invalid` for a hole whose value is not known, and for what is no host or no address.
    pub fn locate(&self, values: &mut Values) -> Result<(), Fault> {
        if let Some(template) = &self.host {
            let host = filled("--domain", template, values)?.to_ascii_lowercase();
            if !is_host(&host) {
                return Err(Fault::invalid(format!("`{}` is no host", shown(&host))).hint(
                    "give --domain as preview.example.com, or as {slug}-web.example.com; a label of a host has at most \
                     63 characters, and --max makes the slug shorter",
                ));
            }
            values.insert("host".to_owned(), host);
        }
        let url = match &self.url {
            Some(template) => Some(filled("--environment-url", template, values)?),
            None => values.get("host").map(|host| format!("https://{host}")),
        };
        if let Some(url) = url {
            let url = read_url(&url).map_err(|mut fault| {
                fault.message = format!("--environment-url: {}", fault.message);
                fault
            })?;
            values.insert("url".to_owned(), url);
        }
        Ok(())
    }
}

/// Returns the requests that have a preview: they carry the label, and come from no fork.
pub fn labelled<'a>(requests: &'a [OpenRequest], label: Option<&str>) -> Vec<&'a OpenRequest> {
    let has =
        |request: &&OpenRequest| !request.fork && label.is_none_or(|label| carries(&request.labels, label));
    requests.iter().filter(has).collect()
}

/// Fills a template of a flag.
fn filled(flag: &str, template: &Template, values: &Values) -> Result<String, Fault> {
    for part in template.parts() {
        if let Part::Hole(name) = part
            && !values.contains_key(*name)
        {
            return Err(unknown(flag, name));
        }
    }
    Ok(template.render(|name| values.get(name)))
}

/// Tells of a hole whose value is not known.
fn unknown(whose: &str, name: &str) -> Fault {
    let fault = Fault::invalid(format!("{whose} asks for {{{name}}}, which is not known here"));
    match name {
        "app" | "tag" => fault.hint(format!("give --{name}")),
        "host" => fault.hint("give --domain"),
        _ => fault.hint("run it for a pull request: with --from-event, or with --pr, --ref and --sha"),
    }
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= HOST_MAX && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(change: impl FnOnce(&mut NamingArgs)) -> Result<Naming, Fault> {
        let mut args = NamingArgs::default();
        change(&mut args);
        Naming::new(&args)
    }

    fn request(number: u64, branch: &str, labels: &[&str]) -> OpenRequest {
        OpenRequest {
            number,
            branch: branch.to_owned(),
            sha: "a".repeat(40),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            fork: false,
        }
    }

    #[test]
    fn an_address_is_made_of_a_domain_or_a_template() {
        let address = |domain: Option<&str>, url: Option<&str>| {
            let naming = naming(|args| {
                args.domain = domain.map(str::to_owned);
                args.environment_url = url.map(str::to_owned);
            })?;
            let known = [("slug", "feature-a"), ("pr", "7")];
            let mut values: Values = known
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            naming.locate(&mut values)?;
            Ok::<_, Fault>(values.remove("url").unwrap_or_default())
        };
        for (domain, url, expected) in [
            (
                Some("preview.example.com"),
                None,
                "https://feature-a.preview.example.com",
            ),
            (
                Some(".Preview.example.com"),
                None,
                "https://feature-a.preview.example.com",
            ),
            (
                Some("{slug}-web.example.com"),
                None,
                "https://feature-a-web.example.com",
            ),
            (Some("pr-{pr}.example.com"), None, "https://pr-7.example.com"),
            (
                Some("a.example"),
                Some("http://{host}:8080/{slug}"),
                "http://feature-a.a.example:8080/feature-a",
            ),
            (
                None,
                Some("https://a.example/{slug}"),
                "https://a.example/feature-a",
            ),
            (None, None, ""),
        ] {
            assert_eq!(address(domain, url).unwrap(), expected);
        }
        for (domain, url) in [
            (Some("a_b.example"), None),
            (Some("a b"), None),
            (Some("a..example"), None),
            (Some("*.a.example"), None),
            (Some("{app}.a.example"), None),
            (Some("{branch}.a.example"), None),
            (None, Some("https://{host}")),
            (None, Some("javascript:{slug}")),
            (None, Some("{slug}")),
            (Some(&*format!("{{slug}}-{}.example", "a".repeat(60))), None),
        ] {
            assert!(address(domain, url).is_err(), "{domain:?} {url:?}");
        }
    }

    #[test]
    fn the_oldest_of_one_slug_keeps_it() {
        let (first, second) = (request(3, "feature/a", &[]), request(9, "feature_a", &[]));
        let both = [&first, &second];
        let plain = naming(|_| {}).unwrap();
        for (branch, number) in [("feature/a", Some(3)), ("feature_a", Some(9))] {
            let named = plain.among(branch, number, &both).unwrap();
            assert_eq!(named.slug.as_str(), "feature-a");
            assert!(named.warning.unwrap().contains("--suffix-on-collision"));
        }
        let apart = naming(|args| args.slugs.suffix_on_collision = true).unwrap();
        let slug = |branch, number, rivals: &[&OpenRequest]| {
            apart.among(branch, number, rivals).unwrap().slug.to_string()
        };
        assert_eq!(slug("feature/a", Some(3), &both), "feature-a");
        let other = slug("feature_a", Some(9), &both);
        assert!(other.starts_with("feature-a-") && other.len() == 17, "{other}");
        assert_eq!(slug("feature_a", None, &both), other);
        assert_eq!(slug("feature_a", Some(9), &[&second]), "feature-a");
    }

    #[test]
    fn a_label_counts_and_a_fork_never_does() {
        let mut fork = request(1, "a", &["preview"]);
        fork.fork = true;
        let all = [fork, request(2, "b", &["Preview"]), request(3, "c", &["bug"])];
        let numbers = |label| {
            labelled(&all, label)
                .iter()
                .map(|request| request.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(Some("preview")), [2]);
        assert_eq!(numbers(None), [2, 3]);
    }
}
