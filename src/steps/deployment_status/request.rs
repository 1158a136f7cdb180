//! What a run of `deployment-status` asks for: every value parsed, flags and event brought together.

use std::ffi::OsString;

use super::args::{DeploymentStatusArgs, IfNoDeployment};
use crate::plan::deployment::{CiRun, DeploymentState, NewDeployment, NewStatus, Sought};
use crate::words::fault::Fault;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::payload::{Source, read_commit, read_reference, read_url};
use crate::words::pull_request::{PullRequestHead, merge_of};
use crate::words::status_event::{StatusEvent, read_environment};
use crate::words::wording::{one_line, shown};

/// The most characters of a description, after GitHub.
const DESCRIPTION: usize = 140;

/// What the flags point to, and what CI tells.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The event of `--from-event`.
    pub event: Option<StatusEvent>,
    /// The repository whose CI runs this.
    pub repo: Option<ForgeRepo>,
    /// The build that runs this.
    pub source: Source,
    /// The pull request that this runs for.
    pub pull_request: Option<PullRequestHead>,
    /// The run of CI that this is part of, where it names its runs and attempts.
    pub run: Option<CiRun>,
}

/// What a run asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The app's repository.
    pub repo: ForgeRepo,
    /// Which deployment.
    pub target: Target,
    /// What is to be done.
    pub action: Action,
    /// What to do where there is none.
    pub if_missing: IfNoDeployment,
    /// Whether a new one is made in any case.
    pub create: bool,
    /// The run of CI that this is part of.
    pub run: Option<CiRun>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
    environment_url: Option<String>,
    log_url: Option<String>,
    description: Option<String>,
    transient: bool,
    production: Option<bool>,
}

/// Which deployment is meant.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Its id, which settles it.
    pub id: Option<u64>,
    /// Its environment; without one only the id settles it.
    pub environment: Option<String>,
    /// Its commit, in full hex.
    pub sha: Option<String>,
    /// Its branch or tag, or a slug, where one was named.
    pub reference: Option<String>,
    /// The branch or tag that a new one is recorded for.
    pub made_for: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A state is recorded.
    Record(DeploymentState),
    /// A command is run, and its states are recorded.
    Run(Vec<OsString>),
    /// Argo CD is waited for, and its states are recorded.
    WaitForApplication {
        /// The application.
        name: String,
        /// Its namespace, where that is not Argo CD's own.
        namespace: Option<String>,
    },
    /// A final state is waited for.
    WaitForDeployment,
}

impl Request {
    /// Reads the arguments, with what they point to.
    ///
    /// # Errors
    /// `Invalid` for a value that breaks its grammar, for flags that say too little or two things, and for the tried
    /// merge of a pull request; `Refused` for an event about another repository.
    pub fn new(args: &DeploymentStatusArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let event = inputs.event.clone().unwrap_or_default();
        let repo = repo(args, inputs)?;
        check_repo(&event, &repo)?;
        let action = action(args, &event)?;
        let mut warnings = Vec::new();
        let home = inputs.repo.as_ref() == Some(&repo);
        let target = target(args, &event, inputs, home, &mut warnings)?;
        let url = |flag: &str, given: &Option<String>| {
            let read = given.as_deref().map(read_url).transpose();
            read.map_err(|mut fault| {
                fault.message = format!("{flag}: {}", fault.message);
                fault
            })
        };
        let description = args.description.clone().or(event.description);
        Ok(Self {
            if_missing: args.if_missing.unwrap_or(match action {
                Action::Run(_) => IfNoDeployment::Create,
                _ => IfNoDeployment::Error,
            }),
            repo,
            target,
            action,
            create: args.create,
            run: inputs.run.clone(),
            environment_url: url("--environment-url", &args.environment_url)?.or(event.environment_url),
            log_url: url("--log-url", &args.log_url)?
                .or(event.log_url)
                .or_else(|| inputs.source.run_url.clone()),
            description: description.map(|text| fitting(&text, &mut warnings)),
            transient: args.transient,
            production: args.production.then_some(true),
            warnings,
        })
    }

    /// Makes the request that records a state of a preview: of the deployment of its environment that has its commit, which
    /// is made where there is none.
    pub fn of_preview(repo: ForgeRepo, target: Target, first: NewStatus, run: Option<CiRun>) -> Self {
        let mut warnings = Vec::new();
        Self {
            repo,
            target,
            action: Action::Record(first.state),
            if_missing: IfNoDeployment::Create,
            create: false,
            run,
            environment_url: first.environment_url,
            log_url: first.log_url,
            description: first.description.map(|text| fitting(&text, &mut warnings)),
            transient: true,
            production: None,
            warnings,
        }
    }

    /// Returns the status that records a state, with an own description where the user gave none.
    pub fn status(&self, state: DeploymentState, otherwise: Option<&str>) -> NewStatus {
        let mut unheard = Vec::new();
        NewStatus {
            state,
            environment_url: self.environment_url.clone(),
            log_url: self.log_url.clone(),
            description: self
                .description
                .clone()
                .or_else(|| otherwise.map(|text| fitting(text, &mut unheard))),
        }
    }

    /// Returns which deployments are looked for.
    pub fn sought(&self) -> Sought {
        Sought {
            environment: self.target.environment.clone(),
            sha: self.target.sha.clone(),
            reference: self.target.reference.clone(),
        }
    }

    /// Returns the deployment that is to be made; `mark` is the word by which this run knows it again.
    ///
    /// # Errors
    /// `Invalid` where neither commit nor branch is known.
    pub fn new_deployment(&self, mark: String) -> Result<NewDeployment, Fault> {
        let target = &self.target;
        let (Some(environment), Some(reference)) = (
            target.environment.clone(),
            target.made_for.clone().or_else(|| target.sha.clone()),
        ) else {
            return Err(
                Fault::invalid("a new deployment needs an environment, and a commit or a branch")
                    .hint("give --env, and --sha or --ref"),
            );
        };
        if self.repo.kind() == ForgeKind::GitLab && target.made_for.is_none() {
            return Err(
                Fault::invalid("GitLab asks for the branch or tag of a new deployment")
                    .hint("give --ref beside --sha"),
            );
        }
        Ok(NewDeployment {
            reference,
            sha: target.sha.clone(),
            environment,
            description: self.description.clone(),
            transient: self.transient,
            production: self.production,
            mark,
            run: self.run.clone(),
        })
    }
}

fn repo(args: &DeploymentStatusArgs, inputs: &Inputs) -> Result<ForgeRepo, Fault> {
    match &args.repo {
        Some(text) => ForgeRepo::parse(text)?.ok_or_else(|| {
            Fault::invalid(format!("`{}` is no repository of a forge", shown(text)))
                .hint("write it as github:owner/name or gitlab:group/project")
        }),
        None => inputs.repo.clone().ok_or_else(|| {
            Fault::invalid("no repository is named")
                .hint("give --repo github:owner/name or --repo gitlab:group/project")
        }),
    }
}

/// An event comes from outside: it may not lead to another repository.
fn check_repo(event: &StatusEvent, repo: &ForgeRepo) -> Result<(), Fault> {
    match &event.repo {
        Some(named) if !named.eq_ignore_ascii_case(repo.path()) => Err(Fault::refused(format!(
            "the event is about `{}`, and this run is for `{}`",
            shown(named),
            repo.path()
        ))
        .hint("send it to that repository, or name it with --repo")),
        _ => Ok(()),
    }
}

fn action(args: &DeploymentStatusArgs, event: &StatusEvent) -> Result<Action, Fault> {
    let reported = event.state.and_then(DeploymentState::of_word);
    if !args.command.is_empty() {
        return Ok(Action::Run(args.command.clone()));
    }
    if let Some(what) = &args.wait_for {
        return wait_for(what);
    }
    match (args.state.map(DeploymentState::from), reported) {
        (Some(said), Some(reported)) if said != reported => Err(Fault::invalid(format!(
            "--state says {}, the event {}",
            said.word(),
            reported.word()
        ))
        .hint("leave --state out: the event says it")),
        (Some(state), _) | (None, Some(state)) => Ok(Action::Record(state)),
        (None, None) => Err(Fault::invalid("nothing says what to record")
            .hint("give --state, --from-event, --wait-for, or a command after --")),
    }
}

fn wait_for(what: &str) -> Result<Action, Fault> {
    if what == "deployment" {
        return Ok(Action::WaitForDeployment);
    }
    let wrong = || {
        Fault::invalid(format!("--wait-for does not know `{}`", shown(what)))
            .hint("write argocd:APP, argocd:APP@NAMESPACE or deployment")
    };
    let application = what.strip_prefix("argocd:").ok_or_else(wrong)?;
    let (name, namespace) = match application.split_once('@') {
        Some((name, namespace)) => (name, Some(namespace)),
        None => (application, None),
    };
    // Names of Kubernetes objects: RFC 1123.
    let is_name = |text: &str| {
        (1..=253).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
            && !text.starts_with(['-', '.'])
    };
    if !is_name(name) || !namespace.is_none_or(is_name) {
        return Err(wrong());
    }
    Ok(Action::WaitForApplication {
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
    })
}

fn target(
    args: &DeploymentStatusArgs,
    event: &StatusEvent,
    inputs: &Inputs,
    home: bool,
    warnings: &mut Vec<String>,
) -> Result<Target, Fault> {
    let environment = match &args.env {
        Some(env) => Some(read_environment(env)?),
        None => event.environment.clone(),
    };
    let id = agreeing("--deployment-id", args.deployment_id, event.deployment_id)?;
    if environment.is_none() && id.is_none() {
        return Err(Fault::invalid("no environment is named").hint("give --env"));
    }
    let sha = args.sha.as_deref().map(read_sha).transpose()?;
    let sha = agreeing("--sha", sha, event.sha.clone())?;
    let reference = args.r#ref.as_deref().map(read_reference).transpose()?;
    let reference = agreeing("--ref", reference, event.reference.clone())?;
    let mut target = Target {
        id,
        environment,
        sha,
        made_for: reference.clone(),
        reference,
    };
    // What an event reports has its own commit; CI's is the one of the workflow that hears of it.
    if target.sha.is_none() && target.reference.is_none() && id.is_none() && home && inputs.event.is_none() {
        target.sha.clone_from(&inputs.source.commit);
        target.made_for.clone_from(&inputs.source.reference);
    }
    if target.made_for.is_none() && home && target.sha == inputs.source.commit {
        target.made_for.clone_from(&inputs.source.reference);
    }
    take_head(&mut target, inputs, home, warnings)?;
    if id.is_none() && target.sha.is_none() && target.reference.is_none() {
        return Err(Fault::invalid("neither a commit nor a branch is named")
            .hint("give --sha, --ref or --deployment-id; an event gives sha, ref or branch_slug"));
    }
    Ok(target)
}

/// Puts a pull request's head in the place of its tried merge, which no page of the pull request shows.
fn take_head(
    target: &mut Target,
    inputs: &Inputs,
    home: bool,
    warnings: &mut Vec<String>,
) -> Result<(), Fault> {
    let head = inputs.pull_request.as_ref().filter(|_| home);
    let merge = target.made_for.as_deref().and_then(merge_of);
    let named = target.reference.is_some();
    match (merge, head) {
        (Some(number), Some(head)) if head.number == number => {
            target.made_for = Some(head.reference.clone());
            if named {
                target.reference = Some(head.reference.clone());
            }
        }
        (Some(number), _) => {
            return Err(Fault::invalid(format!(
                "`{}` is a merge that is only tried: GitHub shows no deployment of it on pull request {number}",
                shown(target.made_for.as_deref().unwrap_or_default())
            ))
            .hint("give the branch with --ref, or the head's commit with --sha (github.event.pull_request.head.sha)"));
        }
        (None, _) => {}
    }
    let Some(head) = head else { return Ok(()) };
    let mut replaced = named && merge.is_some();
    // The commit that CI checks out for a pull request is the tried merge.
    if target.sha.is_some() && target.sha == inputs.source.commit && target.sha.as_ref() != Some(&head.sha) {
        target.sha = Some(head.sha.clone());
        replaced = true;
    }
    if replaced {
        warnings.push(format!(
            "the deployment is for {}, the head of pull request {}, not for the merge that CI tries",
            head.sha.get(..12).unwrap_or(&head.sha),
            head.number
        ));
    }
    Ok(())
}

fn read_sha(text: &str) -> Result<String, Fault> {
    read_commit(&text.to_ascii_lowercase()).map_err(|mut fault| {
        fault.message = format!("--sha: {}", fault.message);
        fault.hint("give all of its 40 digits: git rev-parse HEAD")
    })
}

/// Brings a flag and the event together: what both say has to agree.
fn agreeing<T: PartialEq>(flag: &str, said: Option<T>, reported: Option<T>) -> Result<Option<T>, Fault> {
    match (said, reported) {
        (Some(said), Some(reported)) if said != reported => {
            Err(Fault::invalid(format!("{flag} and the event do not agree"))
                .hint(format!("leave {flag} out: the event says it")))
        }
        (Some(value), _) | (None, Some(value)) => Ok(Some(value)),
        (None, None) => Ok(None),
    }
}

fn fitting(text: &str, warnings: &mut Vec<String>) -> String {
    let text = one_line(text);
    if text.chars().count() <= DESCRIPTION {
        return text;
    }
    warnings.push(format!(
        "the description is longer than {DESCRIPTION} characters and was cut"
    ));
    text.chars().take(DESCRIPTION - 1).chain(['…']).collect()
}
