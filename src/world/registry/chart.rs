//! The versions of a chart in one of Helm's own repositories: a folder on the web with an `index.yaml`.
//!
//! A chart in an OCI registry is an image like others; its versions are tags, with `_` for the `+` that no tag may hold.

use reqwest::Url;

use super::RegistryAccess;
use super::fetch::{Ask, fetch};
use super::place::{host_of, may_lead_to};
use crate::plan::chart_index;
use crate::plan::choice::Candidate;
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;

/// How long an index may be; those of the largest public repositories are about half of it.
const MOST_READ: usize = 32 << 20;

/// Returns the versions of a chart as candidates, in the order of the index; those that the index deprecates too.
///
/// `repository` is the address above `index.yaml`. No login is sent.
///
/// # Errors
/// `Invalid` for an address that is not https (or http of this machine), `NotFound` where there is no index or no such
/// chart in it, `Denied` for a refusal and for an index that is none, `GaveUp` as for a registry.
pub fn chart_versions(
    repository: &str,
    chart: &str,
    access: &RegistryAccess,
) -> Result<Vec<Candidate>, Fault> {
    let url = index_of(repository)?;
    let host = host_of(&url);
    let answer = fetch(access, &Ask::get(url, "*/*", MOST_READ), None)?;
    match answer.status {
        200 => {}
        404 => {
            return Err(Fault::not_found(format!("`{host}` has no index.yaml there"))
                .hint("give the repository's address as `helm repo add` takes it"));
        }
        status => {
            return Err(Fault::new(
                Kind::Denied,
                format!("`{host}` does not give its index.yaml: status {status}"),
            )
            .hint("only repositories that need no login can be read; push charts to a registry for others"));
        }
    }
    let index = String::from_utf8_lossy(&answer.body);
    let versions = chart_index::versions(&index, chart).map_err(|why| {
        Fault::new(
            Kind::Denied,
            format!("the index.yaml of `{host}` cannot be read: {}", shown(&why)),
        )
        .hint("give the repository's address as `helm repo add` takes it")
    })?;
    versions.ok_or_else(|| {
        Fault::not_found(format!(
            "the repository at `{host}` has no chart `{}`",
            shown(chart)
        ))
        .hint("see its charts with `helm search repo`")
    })
}

fn index_of(repository: &str) -> Result<Url, Fault> {
    let text = format!("{}/index.yaml", repository.trim().trim_end_matches('/'));
    let url = Url::parse(&text).ok().filter(|url| {
        let plain = url.query().is_none() && url.fragment().is_none() && url.host().is_some();
        plain && may_lead_to(url, url)
    });
    url.ok_or_else(|| {
        Fault::invalid("the address of a chart repository is not one of https")
            .hint("write it as https://charts.example.com/stable, without a login in it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_by_tls_only() {
        for (address, url) in [
            (
                "https://charts.example/stable/",
                "https://charts.example/stable/index.yaml",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/index.yaml"),
        ] {
            assert_eq!(index_of(address).unwrap().as_str(), url);
        }
        for bad in [
            "http://charts.example",
            "https://u:p@charts.example",
            "charts.example",
            "file:///etc",
            "https://x?y",
            "",
        ] {
            assert!(index_of(bad).is_err(), "{bad}");
        }
    }
}
