//! Which deployment is meant.

use std::collections::BTreeSet;

use crate::plan::deployment::{Deployment, Sought};
use crate::words::fault::Fault;
use crate::words::wording::shown;

/// How long Argo CD's `branch_slug` and GitLab's `CI_COMMIT_REF_SLUG` get.
const SLUG_LENGTHS: [usize; 2] = [50, 63];

/// Chooses the deployment that is meant from those of its environment, newest first; `None` if none is.
///
/// The newest one counts. A reference that no deployment has is compared with the slugs of those that they have.
///
/// # Errors
/// `NotFound` where a slug fits deployments of different branches, which it lists.
pub fn choose<'a>(deployments: &'a [Deployment], wanted: &Sought) -> Result<Option<&'a Deployment>, Fault> {
    let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
    let of_commit = || {
        deployments
            .iter()
            .filter(|one| fits(&wanted.environment, &one.environment) && fits(&wanted.sha, &one.sha))
    };
    let Some(reference) = &wanted.reference else {
        return Ok(of_commit().next());
    };
    if let Some(exact) = of_commit().find(|one| bare(&one.reference) == bare(reference)) {
        return Ok(Some(exact));
    }
    let alike: Vec<&Deployment> = of_commit()
        .filter(|one| is_slug_of(reference, &one.reference))
        .collect();
    let references: BTreeSet<&str> = alike.iter().map(|one| bare(&one.reference)).collect();
    if references.len() > 1 {
        let listed: Vec<String> = references
            .iter()
            .take(10)
            .map(|reference| format!("`{}`", shown(reference)))
            .collect();
        return Err(Fault::not_found(format!(
            "`{}` can be {}: all of them have deployments",
            shown(reference),
            listed.join(", ")
        ))
        .hint("name the branch itself with --ref, the commit with --sha, or the deployment with --deployment-id"));
    }
    Ok(alike.first().copied())
}

/// Returns a reference without `refs/heads/` and `refs/tags/`.
pub fn bare(reference: &str) -> &str {
    reference
        .strip_prefix("refs/heads/")
        .or_else(|| reference.strip_prefix("refs/tags/"))
        .unwrap_or(reference)
}

/// Returns whether a text is the slug of a branch, as Argo CD or GitLab would write it.
///
/// Both write lower case, with `-` for every other character. Argo CD (`branch_slug`) joins neighbouring `-`, and cuts
/// at 50, at the end of a word where it can; GitLab (`CI_COMMIT_REF_SLUG`) joins none, and cuts at 63.
fn is_slug_of(text: &str, branch: &str) -> bool {
    let each: String = bare(branch)
        .chars()
        .map(|character| {
            let lower = character.to_ascii_lowercase();
            if lower.is_ascii_alphanumeric() { lower } else { '-' }
        })
        .collect();
    let joined = each
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    [each.trim_matches('-'), &joined].into_iter().any(|slug| {
        !text.is_empty() && (text == slug || SLUG_LENGTHS.iter().any(|most| is_cut(text, slug, *most)))
    })
}

/// Whether `text` is `slug` cut to at most `most` bytes: there, or at the end of the last word that fits.
fn is_cut(text: &str, slug: &str, most: usize) -> bool {
    let Some(cut) = slug.get(..most) else {
        return false;
    };
    let word = cut.rsplit_once('-').map_or(cut, |(words, _)| words);
    text == cut.trim_end_matches('-') || text == word.trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::deployment::Maker;

    fn deployment(id: u64, reference: &str, sha: &str) -> Deployment {
        Deployment {
            id,
            environment: "preview".into(),
            sha: sha.into(),
            reference: reference.into(),
            transient: true,
            production: false,
            maker: Maker::Other,
            run: None,
        }
    }

    fn wanted(sha: Option<&str>, reference: Option<&str>) -> Sought {
        Sought {
            environment: None,
            sha: sha.map(str::to_owned),
            reference: reference.map(str::to_owned),
        }
    }

    #[test]
    fn a_branch_is_found_by_its_name_and_by_its_slug() {
        let long = "feature/JIRA-1234_a-very-long-branch-name-that-nobody-should-have-typed-at-all";
        for (branch, text) in [
            ("feature/a", "feature/a"),
            ("feature/a", "refs/heads/feature/a"),
            ("refs/heads/feature/a", "feature-a"),
            ("Feature/A_b.c", "feature-a-b-c"),
            ("fix//x--y", "fix-x-y"),
            ("fix/x--y", "fix-x--y"),
            (long, "feature-jira-1234-a-very-long-branch-name-that-nob"),
            (long, "feature-jira-1234-a-very-long-branch-name-that"),
            (
                long,
                "feature-jira-1234-a-very-long-branch-name-that-nobody-should-ha",
            ),
        ] {
            let all = [deployment(2, "other", "b"), deployment(1, branch, "a")];
            let chosen = choose(&all, &wanted(None, Some(text))).unwrap();
            assert_eq!(chosen.map(|one| one.id), Some(1), "{branch} {text}");
        }
        let all = [deployment(1, "feature/a", "a")];
        for text in ["feature", "feature-", "feature-ab", "FEATURE-A", ""] {
            assert_eq!(choose(&all, &wanted(None, Some(text))).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn the_newest_counts_and_an_exact_name_before_a_slug() {
        let all = [
            deployment(4, "feature-a", "d"),
            deployment(3, "feature/a", "c"),
            deployment(2, "feature/a", "b"),
        ];
        for (sha, reference, id) in [
            (None, Some("feature/a"), Some(3)),
            (None, Some("feature-a"), Some(4)),
            (Some("b"), Some("feature-a"), Some(2)),
            (Some("b"), None, Some(2)),
            (Some("x"), None, None),
            (None, None, Some(4)),
        ] {
            let chosen = choose(&all, &wanted(sha, reference)).unwrap();
            assert_eq!(chosen.map(|one| one.id), id, "{sha:?} {reference:?}");
        }
    }

    #[test]
    fn a_slug_of_two_branches_is_nobodys() {
        let all = [deployment(2, "feature/a", "b"), deployment(1, "feature_a", "a")];
        let fault = choose(&all, &wanted(None, Some("feature-a"))).unwrap_err();
        assert!(fault.message.contains("`feature/a`, `feature_a`"), "{fault}");
    }
}
