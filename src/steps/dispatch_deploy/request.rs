//! What a run of `dispatch-deploy` sends, parsed once from the flags and what CI tells.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::args::DispatchDeployArgs;
use super::limits;
use crate::plan::dispatch::Dispatch;
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::image::{Digest, ImageRef, Tag};
use crate::words::name::reference_error;
use crate::words::payload::{Payload, PayloadImage, Source};
use crate::words::wording::shown;

/// The type of a `repository_dispatch` that names none.
const EVENT_TYPE: &str = "deploy-image";

/// What the world knows beside the flags.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The build that runs this, as CI tells it.
    pub source: Source,
    /// A name for this dispatch that no other has.
    pub id: String,
}

/// One dispatch, parsed.
#[derive(Clone, Debug)]
pub struct Request {
    /// The repository whose CI is asked.
    pub to: ForgeRepo,
    /// What it carries.
    pub payload: Payload,
    /// The dispatch's name, which the payload carries too.
    pub id: String,
    reference: Option<String>,
    way: Way,
}

/// How the receiver is started.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// By a `repository_dispatch` of this type.
    Event(String),
    /// By a `workflow_dispatch` of this file or id.
    Workflow(String),
    /// By a pipeline of GitLab.
    Pipeline,
}

impl Request {
    /// Parses the flags.
    ///
    /// # Errors
    /// `Invalid` for a wrong flag, and for a payload that the receiver would refuse.
    pub fn new(args: DispatchDeployArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let to = ForgeRepo::parse(&args.to)?.ok_or_else(|| {
            Fault::invalid(format!("`{}` is no repository of a forge", shown(&args.to)))
                .hint("write it `github:owner/name` or `gitlab:group/project`")
        })?;
        let way = way(to.kind(), &args)?;
        if let Some(why) = args.reference.as_deref().and_then(wrong_reference) {
            return Err(Fault::invalid(format!("--ref: {why}")));
        }
        let id = args.id.clone().unwrap_or_else(|| inputs.id.clone());
        let reference = args.reference.clone();
        let payload = payload(args, &inputs.source, &id)?;
        Ok(Self {
            to,
            payload,
            id,
            reference,
            way,
        })
    }

    /// Returns the branch or tag that the flags name.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Returns whether a branch or tag has to be named; a `repository_dispatch` always runs on the default branch.
    pub fn needs_reference(&self) -> bool {
        !matches!(self.way, Way::Event(_))
    }

    /// Returns the event that GitHub's run will name.
    pub fn event(&self) -> &'static str {
        match self.way {
            Way::Event(_) => "repository_dispatch",
            Way::Workflow(_) => "workflow_dispatch",
            Way::Pipeline => "pipeline",
        }
    }

    /// Returns the name of what is started, for the user.
    pub fn what(&self) -> &str {
        match &self.way {
            Way::Event(name) | Way::Workflow(name) => name,
            Way::Pipeline => "a pipeline",
        }
    }

    /// Returns the version that goes out; `None` where there are several images.
    pub fn version(&self) -> Option<String> {
        match self.payload.images.as_slice() {
            [image] => image
                .tag
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| image.digest.as_ref().map(ToString::to_string)),
            _ => None,
        }
    }

    /// Makes the dispatch. `reference` is the branch or tag that it runs on, where one has to be named;
    /// `only_triggers` says that the credential can do nothing but trigger pipelines.
    ///
    /// # Errors
    /// `Invalid`, with the limit of the forge that it would break.
    pub fn dispatch(&self, reference: &str, only_triggers: bool) -> Result<Dispatch, Fault> {
        let payload = self.payload.to_json();
        let reference = reference.to_owned();
        // Inputs are strings, and GitLab keeps a field of a trigger as it is: so one string carries it all.
        let fields = || Map::from_iter([("payload".to_owned(), Value::String(payload.to_string()))]);
        let dispatch = match &self.way {
            Way::Event(event_type) => Dispatch::Repository {
                event_type: event_type.clone(),
                payload,
            },
            Way::Workflow(workflow) => Dispatch::Workflow {
                workflow: workflow.clone(),
                reference,
                inputs: fields(),
            },
            Way::Pipeline if only_triggers => Dispatch::Trigger {
                reference,
                fields: fields(),
            },
            Way::Pipeline => Dispatch::Pipeline {
                reference,
                inputs: fields(),
            },
        };
        limits::check(&dispatch)?;
        Ok(dispatch)
    }
}

fn way(kind: ForgeKind, args: &DispatchDeployArgs) -> Result<Way, Fault> {
    let foreign =
        |flag: &str| Fault::invalid(format!("{flag} is GitHub's, and `{}` is not", shown(&args.to)));
    match (kind, &args.workflow, &args.event_type) {
        (ForgeKind::GitLab, Some(_), _) => Err(foreign("--workflow")),
        (ForgeKind::GitLab, None, Some(_)) => Err(foreign("--event-type")),
        (ForgeKind::GitLab, None, None) => Ok(Way::Pipeline),
        (ForgeKind::GitHub, Some(workflow), _) => file_name(workflow).map(Way::Workflow),
        (ForgeKind::GitHub, None, _) if args.reference.is_some() => Err(Fault::invalid(
            "--ref goes with --workflow: a repository_dispatch always runs on the default branch",
        )),
        (ForgeKind::GitHub, None, event_type) => Ok(Way::Event(
            event_type.clone().unwrap_or_else(|| EVENT_TYPE.to_owned()),
        )),
    }
}

/// Reads a workflow's file name, also behind the folder where all of them lie, or its id.
fn file_name(workflow: &str) -> Result<String, Fault> {
    let name = workflow.strip_prefix(".github/workflows/").unwrap_or(workflow);
    let right = (1..=255).contains(&name.len())
        && name.bytes().any(|b| b != b'.')
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'));
    if right {
        return Ok(name.to_owned());
    }
    Err(Fault::invalid(format!(
        "--workflow: `{}` is no file of a workflow",
        shown(workflow)
    ))
    .hint("give the name of its file below .github/workflows, such as deploy.yml"))
}

fn wrong_reference(reference: &str) -> Option<String> {
    let why = match reference_error(reference) {
        Some(why) => why,
        None if reference.starts_with('-') => "it starts with `-`",
        None => return None,
    };
    Some(format!("`{}` is no branch or tag: {why}", shown(reference)))
}

/// Builds the payload and lets the receiver's own code judge it.
fn payload(args: DispatchDeployArgs, ci: &Source, id: &str) -> Result<Payload, Fault> {
    let ci = ci.clone();
    let payload = Payload {
        id: Some(id.to_owned()),
        app: Some(flag("--app", &args.app)?),
        env: args.env.as_deref().map(|env| flag("--env", env)).transpose()?,
        images: images(&args)?,
        source: Source {
            repo: args.source_repo.or(ci.repo),
            commit: args.source_commit.or(ci.commit),
            reference: args.source_ref.or(ci.reference),
            sequence: args.source_sequence.or(ci.sequence),
            run_url: args.source_run_url.or(ci.run_url),
            actor: args.source_actor.or(ci.actor),
        },
        deployment: args.deployment,
        ignored: Vec::new(),
    };
    let read = Payload::parse(&payload.to_json().to_string()).map_err(|mut fault| {
        fault.message = format!("the receiver would refuse this: {}", fault.message);
        fault
    })?;
    if read == payload {
        Ok(payload)
    } else {
        Err(Fault::new(
            Kind::Internal,
            "the receiver would not read the payload as it was written",
        ))
    }
}

/// Reads the images: each takes the common tag and digest where it brings none itself.
fn images(args: &DispatchDeployArgs) -> Result<Vec<PayloadImage>, Fault> {
    let tag: Option<Tag> = args.tag.as_deref().map(|tag| flag("--tag", tag)).transpose()?;
    let digest: Option<Digest> = args
        .digest
        .as_deref()
        .map(|digest| flag("--digest", digest))
        .transpose()?;
    if args.image.len() > 1 && digest.is_some() {
        return Err(
            Fault::invalid("--digest is of one image, and there are several --image")
                .hint("write --image NAME@DIGEST for each"),
        );
    }
    let images = if args.image.is_empty() {
        vec![PayloadImage {
            name: None,
            tag,
            digest,
        }]
    } else {
        let read = |text: &String| {
            let image: ImageRef = flag("--image", text)?;
            Ok(PayloadImage {
                tag: common("--tag", text, image.tag, tag.as_ref())?,
                digest: common("--digest", text, image.digest, digest.as_ref())?,
                name: Some(image.name),
            })
        };
        args.image.iter().map(read).collect::<Result<_, Fault>>()?
    };
    match images
        .iter()
        .find(|image| image.tag.is_none() && image.digest.is_none())
    {
        None => Ok(images),
        Some(image) => {
            let name = image.name.as_ref().map(|name| format!(" of `{name}`"));
            Err(
                Fault::invalid(format!("no version{} is given", name.unwrap_or_default()))
                    .hint("give --tag, --digest, or --image NAME:TAG"),
            )
        }
    }
}

/// Returns an image's own word, else the common one; where both stand they have to agree.
fn common<T: PartialEq + Clone>(
    name: &str,
    image: &str,
    own: Option<T>,
    common: Option<&T>,
) -> Result<Option<T>, Fault> {
    match (own, common) {
        (Some(own), Some(common)) if own != *common => Err(Fault::invalid(format!(
            "{name} and --image `{}` do not agree",
            shown(image)
        ))),
        (own, common) => Ok(own.or_else(|| common.cloned())),
    }
}

fn flag<T: FromStr<Err = Fault>>(name: &str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|mut fault: Fault| {
        fault.message = format!("{name}: {}", fault.message);
        fault
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        args: DispatchDeployArgs,
    }

    fn request(flags: &str) -> Result<Request, Fault> {
        let words = std::iter::once("x").chain(flags.split(' '));
        let inputs = Inputs {
            source: Source {
                repo: Some("acme/web".to_owned()),
                sequence: Some(7),
                ..Source::default()
            },
            id: "random".to_owned(),
        };
        Request::new(Flags::try_parse_from(words).unwrap().args, &inputs)
    }

    fn images(flags: &str) -> Value {
        let request = request(&format!("--to github:acme/deploy --app web {flags}")).unwrap();
        request.payload.to_json()["images"].clone()
    }

    #[test]
    fn images_take_the_common_version_where_they_bring_none() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (flags, right) in [
            ("--tag v1".to_owned(), json!([{"tag": "v1"}])),
            (
                format!("--tag v1 --digest {digest}"),
                json!([{"tag": "v1", "digest": digest}]),
            ),
            ("--image a/b:v2".to_owned(), json!([{"name": "a/b", "tag": "v2"}])),
            (
                "--image a/b --image a/c:v1 --tag v1".to_owned(),
                json!([{"name": "a/b", "tag": "v1"}, {"name": "a/c", "tag": "v1"}]),
            ),
            (
                format!("--image localhost:5000/b@{digest}"),
                json!([{"name": "localhost:5000/b", "digest": digest}]),
            ),
        ] {
            assert_eq!(images(&flags), right, "{flags}");
        }
    }

    #[test]
    fn a_flag_wins_over_what_ci_tells() {
        let flags = "--to github:a/b --app web --tag v1 --source-repo other/web --source-actor ann --id mine";
        let payload = request(flags).unwrap().payload.to_json();
        assert_eq!(
            payload["source"],
            json!({"repo": "other/web", "sequence": 7, "actor": "ann"})
        );
        assert_eq!(payload["id"], "mine");
    }

    #[test]
    fn the_forge_and_the_flags_decide_how_the_receiver_is_started() {
        let what = "--app web --tag v1";
        let dispatch = |flags: &str, only_triggers| {
            let request = request(&format!("{flags} {what}")).unwrap();
            request.dispatch(request.reference().unwrap_or("main"), only_triggers)
        };
        assert!(matches!(
            dispatch("--to github:a/b", false).unwrap(),
            Dispatch::Repository { event_type, payload } if event_type == "deploy-image" && payload["v"] == 1
        ));
        for workflow in ["deploy.yml", ".github/workflows/deploy.yml"] {
            assert!(matches!(
                dispatch(&format!("--to github:a/b --workflow {workflow}"), false).unwrap(),
                Dispatch::Workflow { workflow, reference, inputs }
                    if workflow == "deploy.yml" && reference == "main" && inputs["payload"].is_string()
            ));
        }
        assert!(matches!(
            dispatch("--to gitlab:a/b --ref v1", true).unwrap(),
            Dispatch::Trigger { reference, fields } if reference == "v1" && fields["payload"].is_string()
        ));
        assert!(matches!(
            dispatch("--to gitlab:a/b", false).unwrap(),
            Dispatch::Pipeline { inputs, .. } if inputs["payload"].is_string()
        ));
    }

    #[test]
    fn what_the_receiver_would_refuse_is_never_sent() {
        let to = "--to github:a/b";
        let web = "--app web --tag v1";
        for (flags, says) in [
            (format!("--to ./deploy {web}"), "is no repository of a forge"),
            (format!("--to github:deploy {web}"), "is no repository"),
            (
                format!("--to gitlab:a/b {web} --workflow x.yml"),
                "--workflow is GitHub's",
            ),
            (
                format!("--to gitlab:a/b {web} --event-type x"),
                "--event-type is GitHub's",
            ),
            (format!("--to gitlab:a/b {web} --ref a..b"), "--ref: `a..b`"),
            (format!("{to} {web} --ref main"), "--ref goes with --workflow"),
            (
                format!("{to} {web} --workflow a/b.yml"),
                "is no file of a workflow",
            ),
            (format!("{to} --app Web_1 --tag v1"), "--app: "),
            (format!("{to} --app web"), "no version is given"),
            (
                format!("{to} --app web --image a/b"),
                "no version of `a/b` is given",
            ),
            (format!("{to} --app web --tag :x"), "--tag: "),
            (format!("{to} --app web --tag v1 --image a/b:v2"), "do not agree"),
            (
                format!("{to} --app web --tag v1 --image a/b --image a/b"),
                "names an image twice",
            ),
            (
                format!(
                    "{to} --app web --image a/b --image a/c --digest sha256:{}",
                    "0".repeat(64)
                ),
                "there are several --image",
            ),
            (
                format!("{to} {web} --id a$b"),
                "the receiver would refuse this: field `payload.id`",
            ),
            (
                format!("{to} {web} --source-commit abc"),
                "`payload.source.commit`",
            ),
            (
                format!("{to} {web} --source-run-url ftp://x"),
                "`payload.source.run_url`",
            ),
            (format!("{to} {web} --source-repo x"), "`payload.source.repo`"),
        ] {
            let fault = request(&flags).expect_err(&flags);
            assert_eq!(fault.kind, Kind::Invalid, "{flags}");
            assert!(fault.message.contains(says), "{flags}: {fault}");
        }
    }
}
