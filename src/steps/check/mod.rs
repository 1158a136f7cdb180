//! `check`: the policy file against the repository, every finding at once.
//!
//! `scope` says which apps and environments there are, `target` looks at one place, `together` at what the places say
//! together, `files` at the files that nothing names.

mod args;
mod files;
pub mod report;
mod request;
mod scope;
mod target;
mod together;

pub use args::CheckArgs;
pub use request::Request;

use crate::plan::finding::{Finding, Severity};
use crate::plan::snapshot::Snapshot;
use crate::steps::reading::Reader;
use crate::steps::shadow::{Layers, Shadow};
use crate::words::fault::{Fault, Place as At};
use crate::words::policy::{self, FILE_NAME, Flaw, Policy, Survey};
use crate::words::repo_path::RepoPath;
use report::Report;
use scope::Pair;
use target::{Seen, whose};

/// What a check knows of the repository.
struct Checked<'a> {
    survey: &'a Survey,
    policy: &'a Policy,
    reader: &'a Reader<'a>,
    findings: Vec<Finding>,
}

impl Request {
    /// Checks the repository: a pure function of the request and the snapshot.
    ///
    /// # Errors
    /// `NotFound` for an app or an environment that was asked for and is not known, and a remote that fails. What is wrong
    /// with the repository is no error, but a finding.
    pub fn examine(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let path = RepoPath::parse(FILE_NAME)?;
        let whole = At {
            file: FILE_NAME.to_owned(),
            ..At::default()
        };
        let Some(blob) = snapshot.read(&[path])?.pop().flatten() else {
            let fault = Fault::not_found(format!(
                "the config repo has no policy file `{FILE_NAME}` at its root"
            ))
            .hint("add one: docs/policy.md says how it looks");
            report
                .findings
                .push(Finding::new(Severity::Error, "policy-missing", fault, &whole));
            report.settle();
            return Ok(report);
        };
        let survey = policy::survey(FILE_NAME, &blob.bytes);
        report
            .findings
            .extend(survey.flaws.iter().map(|flaw| of_flaw(flaw, &whole)));
        let reader = Reader::new(snapshot)?;
        if let Some(policy) = &survey.policy {
            let mut checked = Checked {
                survey: &survey,
                policy,
                reader: &reader,
                findings: Vec::new(),
            };
            self.look(&mut checked, &mut report)?;
            report.findings.append(&mut checked.findings);
        }
        if self.all_files {
            report.findings.extend(files::broken(&reader)?);
        }
        report.files = reader.count() + 1;
        report.settle();
        Ok(report)
    }

    /// Looks at everything that the policy names.
    fn look(&self, checked: &mut Checked<'_>, report: &mut Report) -> anyhow::Result<()> {
        let pairs = self.pairs(checked)?;
        let files = pairs.iter().flat_map(|pair| &pair.resolved.targets);
        checked.reader.fetch(files.map(|target| &target.file))?;
        let mut seen: Vec<Seen<'_>> = Vec::new();
        for pair in &pairs {
            seen.extend(checked.look_at(pair)?);
            checked.look_at_chart(pair)?;
        }
        checked.versions(&seen);
        checked.listed_twice(&seen);
        checked.shadows(&seen)?;
        report.asked = self.preflight(&pairs);
        let mut apps: Vec<&str> = pairs.iter().map(|pair| pair.resolved.app.as_str()).collect();
        apps.sort_unstable();
        apps.dedup();
        report.apps = apps.len();
        report.environments = pairs.len();
        report.targets = pairs.iter().map(|pair| pair.resolved.targets.len()).sum();
        Ok(())
    }
}

/// Where a finding lies whose fault does not say it. A place in a large policy takes a while to find.
enum Where<'a> {
    /// Here.
    Here(&'a At),
    /// Where the policy lists this target of the app and environment.
    Target(usize),
    /// Below the environment's entry in the policy.
    Below(&'a [&'a str]),
}

impl Checked<'_> {
    /// Adds a finding, which lies where the fault does, or else here.
    fn find(&mut self, severity: Severity, code: &'static str, fault: Fault, pair: &Pair, at: &Where<'_>) {
        let at = match (&fault.place, at) {
            (Some(place), _) => place.clone(),
            (None, Where::Here(place)) => (*place).clone(),
            (None, Where::Target(index)) => self.at_target(&pair.resolved, *index),
            (None, Where::Below(keys)) => self.at(&pair.resolved.app, &pair.resolved.env, keys),
        };
        let finding = Finding::new(severity, code, fault, &at);
        self.findings.push(Finding {
            app: Some(pair.resolved.app.to_string()),
            env: Some(pair.resolved.env.to_string()),
            ..finding
        });
    }

    /// Tells of what lies over the places, but for places that the policy lists too.
    fn shadows(&mut self, seen: &[Seen<'_>]) -> anyhow::Result<()> {
        let layers = Layers::read(self.reader, None, None)?;
        for one in seen {
            if let Some(spot) = one.spot() {
                if let Some(application) = layers.passing_over(&spot, self.reader) {
                    let fault = Fault::invalid(format!(
                        "no Application reads `{}` of {}, though {application} reads other values of its chart",
                        spot.file,
                        whose(one.pair)
                    ))
                    .hint("name it in `valueFiles` of the Application, or correct `file:` in the policy");
                    self.find(
                        Severity::Warning,
                        "values-unread",
                        fault,
                        one.pair,
                        &Where::Target(one.index),
                    );
                }
                let over = layers.over(&spot, self.reader)?;
                for shadow in over.iter().filter(|shadow| !is_listed(shadow, seen)) {
                    let fault = Fault::invalid(format!(
                        "{}, so that `{}` at {}:{} does not count",
                        shadow.what, spot.path, spot.file, one.line
                    ))
                    .hint("let the policy's target be the place that counts, or take this one away")
                    .at(shadow.file.as_str(), shadow.line, shadow.column);
                    let at = Where::Target(one.index);
                    self.find(Severity::Warning, "shadowed", fault, one.pair, &at);
                }
            }
        }
        Ok(())
    }
}

/// Tells whether the policy lists the place that lies over another: then it is meant.
fn is_listed(shadow: &Shadow, seen: &[Seen<'_>]) -> bool {
    seen.iter()
        .any(|one| one.file == shadow.file && one.place.covers(&one.yaml, shadow.line))
}

fn of_flaw(flaw: &Flaw, whole: &At) -> Finding {
    let keys: Vec<&str> = flaw.keys.iter().map(String::as_str).collect();
    let code = match (keys.first(), keys.last()) {
        (Some(&"holds"), _) => "hold-invalid",
        (_, Some(&"promote-from")) => "promotion-invalid",
        _ => "policy-invalid",
    };
    let finding = Finding::new(Severity::Error, code, flaw.fault.clone(), whole);
    let own = |at: usize, key: &str| (keys.get(at) == Some(&key)).then(|| keys.get(at + 1)).flatten();
    Finding {
        app: own(0, "apps").map(|&app| app.to_owned()),
        env: own(2, "environments").map(|&env| env.to_owned()),
        ..finding
    }
}
