//! What keeps a push off a branch of GitHub: rulesets, and the older protection of branches.
//!
//! Sources: GitHub's "REST API endpoints for rules" ("Get rules for a branch", "Get a repository ruleset") and "REST API
//! endpoints for protected branches".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::preflight::{Repository, Who};
use super::{GitHub, encoded};
use crate::plan::finding::{Item, Verdict};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::forge::call::Answer;
use crate::world::forge::preflight::{listed, refused};

const CODE: &str = "branch-rules";

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    ruleset_id: Option<u64>,
}

impl GitHub {
    /// Tells of what would refuse a push to the branch; where nothing is pushed there, that is as it should be.
    pub(super) fn rules_items(
        &self,
        branch: &str,
        pushes: bool,
        who: &Who,
        repository: &Repository,
    ) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let answer = self.get(&format!("/rules/branches/{}?per_page=100", encoded(branch)))?;
        if answer.is_ok() {
            let rules: Vec<Rule> = answer.read("the rules of the branch")?;
            items.extend(self.of_rulesets(branch, pushes, &rules)?);
        } else if answer.status != 404 && !is_no_part_of_plan(&answer) {
            let fault = self.refusal(&answer, "read the rules of the branch", "metadata: read");
            items.push(refused(CODE, Verdict::Unknown, fault));
        }
        items.extend(self.of_protection(branch, pushes, who, repository)?);
        if items.is_empty() {
            let what = format!("no rule keeps a push off `{}`", shown(branch));
            items.push(Item::new(CODE, Verdict::Ok, what));
        }
        Ok(items)
    }

    fn of_rulesets(&self, branch: &str, pushes: bool, rules: &[Rule]) -> Result<Vec<Item>, Fault> {
        let mut by_set: BTreeMap<Option<u64>, Vec<&str>> = BTreeMap::new();
        let mut items = Vec::new();
        for rule in rules {
            match why(&rule.kind) {
                Some(why) => by_set.entry(rule.ruleset_id).or_default().push(why),
                None if rule.kind == "required_signatures" => {
                    let what = format!("commits on `{}` have to be signed", shown(branch));
                    items.push(
                        Item::new(CODE, Verdict::Warning, what)
                            .hint("through the API GitHub signs them itself; over git give --sign"),
                    );
                }
                None => {}
            }
        }
        for (set, reasons) in by_set {
            let bypass = match set {
                Some(set) if pushes => self.bypass(set)?,
                _ => None,
            };
            items.push(item(branch, pushes, &listed(reasons), bypass));
        }
        Ok(items)
    }

    /// Whether the token may pass a ruleset by; `None` where GitHub does not tell.
    fn bypass(&self, set: u64) -> Result<Option<bool>, Fault> {
        let answer = self.get(&format!("/rulesets/{set}?includes_parents=true"))?;
        let may = answer.json["current_user_can_bypass"].as_str();
        Ok(may.filter(|_| answer.is_ok()).map(|may| may == "always"))
    }

    fn of_protection(
        &self,
        branch: &str,
        pushes: bool,
        who: &Who,
        repository: &Repository,
    ) -> Result<Option<Item>, Fault> {
        let answer = self.get(&format!("/branches/{}", encoded(branch)))?;
        if answer.status == 404 {
            let what = format!(
                "there is no branch `{}`, or the token may not see it",
                shown(branch)
            );
            return Ok(Some(
                Item::new("branch", Verdict::Error, what).hint("name another with --branch"),
            ));
        }
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "read the branch", "contents: read");
            return Ok(Some(refused(CODE, Verdict::Unknown, fault)));
        }
        if answer.json["protected"] != true {
            return Ok(None);
        }
        let answer = self.get(&format!("/branches/{}/protection", encoded(branch)))?;
        if !answer.is_ok() {
            // Rulesets alone make a branch protected as well.
            let by_rules = answer.complaint().contains("Branch not protected") || is_no_part_of_plan(&answer);
            let what = format!(
                "`{}` is protected, and GitHub does not tell this token how: a push may be refused",
                shown(branch)
            );
            let item = Item::new(CODE, if pushes { Verdict::Unknown } else { Verdict::Ok }, what);
            return Ok((!by_rules).then(|| item.hint("administration: read lets a token see it")));
        }
        let protection = &answer.json;
        let reasons = reasons(protection);
        if reasons.is_empty() {
            return Ok(None);
        }
        let passes = repository.permissions.admin && protection["enforce_admins"]["enabled"] != true;
        let passes = passes
            || who
                .login
                .as_deref()
                .is_some_and(|login| is_let_by(protection, login));
        Ok(Some(item(branch, pushes, &listed(reasons), Some(passes))))
    }
}

/// Whether the plan knows no such thing, so that there is none: private repositories of GitHub Free have no rules.
fn is_no_part_of_plan(answer: &Answer) -> bool {
    answer.status == 403 && answer.complaint().starts_with("Upgrade to GitHub")
}

fn item(branch: &str, pushes: bool, reasons: &str, bypass: Option<bool>) -> Item {
    let what = format!("`{}`: {reasons}", shown(branch));
    if !pushes {
        return Item::new(
            CODE,
            Verdict::Ok,
            format!("{what}; the policy pushes nothing there"),
        );
    }
    match bypass {
        Some(true) => Item::new(CODE, Verdict::Ok, format!("{what}; the token may pass that by")),
        Some(false) => Item::new(CODE, Verdict::Error, format!("{what}: a push is refused")).hint(
            "let the token's owner or App bypass the rule, or set `auto-deploy: off`, so that changes go by pull request",
        ),
        None => Item::new(CODE, Verdict::Warning, format!("{what}: a push is refused unless the token may pass that by"))
            .hint("GitHub tells who may only those who may edit the ruleset"),
    }
}

/// Why a rule of this type keeps a push off; `None` for one that does not.
fn why(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "pull_request" => "changes have to come by pull request",
        "required_status_checks" => "checks have to pass first",
        "workflows" => "workflows have to pass first",
        "code_scanning" => "code scanning has to pass first",
        "required_deployments" => "deployments have to succeed first",
        "merge_queue" => "changes have to go through the merge queue",
        "update" => "only who may bypass the rule may change it",
        _ => return None,
    })
}

fn reasons(protection: &Value) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for (key, why) in [
        (
            "required_pull_request_reviews",
            "changes have to come by pull request",
        ),
        ("required_status_checks", "checks have to pass first"),
        ("restrictions", "only some may push"),
    ] {
        if protection[key].is_object() {
            reasons.push(why);
        }
    }
    if protection["lock_branch"]["enabled"] == true {
        reasons.push("it is locked");
    }
    reasons
}

/// Whether somebody may push past reviews and restrictions, by name.
fn is_let_by(protection: &Value, login: &str) -> bool {
    let names = |list: &Value| {
        let users = list["users"].as_array();
        users.is_some_and(|users| users.iter().any(|user| user["login"] == login))
    };
    let reviews = &protection["required_pull_request_reviews"];
    let checks = protection["required_status_checks"].is_object();
    let past_reviews = !reviews.is_object() || names(&reviews["bypass_pull_request_allowances"]);
    let restrictions = &protection["restrictions"];
    let past_restrictions = !restrictions.is_object() || names(restrictions);
    past_reviews && past_restrictions && !checks && protection["lock_branch"]["enabled"] != true
}
