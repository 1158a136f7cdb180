//! The list of tags: whole, and with an end.

use serde_json::json;

use super::asker::{ANA, asker, asker_with, login};
use crate::support::registry::{FakeRegistry, Lock, Pages};

#[test]
fn all_tags_are_listed_however_the_registry_cuts_the_list() {
    for pages in [
        Pages::Linked,
        Pages::LinkedWhole,
        Pages::Silent,
        Pages::Whole,
        Pages::Small,
    ] {
        for count in [0, 1, 1000, 2500] {
            let registry = FakeRegistry::start();
            registry.pages(pages);
            let tags: Vec<String> = (0..count).map(|at| format!("1.{at:05}")).collect();
            for one in &tags {
                registry.tag(one, "");
            }
            assert_eq!(asker(&[]).tags(&registry).unwrap(), tags, "{pages:?} {count}");
        }
    }
}

#[test]
fn what_is_no_tag_is_left_out() {
    let registry = FakeRegistry::start();
    let body = r#"{"tags":["1.0","1.0","a b","\u001b[0m","","../x","2.0"]}"#;
    registry.instead("tags/list", 1, 200, &[], body);
    assert_eq!(asker(&[]).tags(&registry).unwrap(), ["1.0", "2.0"]);
    registry.instead("tags/list", 1, 200, &[], r#"{"name":"acme/web","tags":null}"#);
    assert!(asker(&[]).tags(&registry).unwrap().is_empty());
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let circle = FakeRegistry::start();
    let link = r#"</v2/acme/web/tags/list?n=1000>; rel="next""#;
    circle.instead("tags/list", 9, 200, &[("Link", link)], r#"{"tags":["a"]}"#);
    let why = asker(&[]).tags(&circle).unwrap_err();
    assert!(why.starts_with("Denied") && why.contains("in a circle"), "{why}");
    assert_eq!(circle.count("tags/list"), 1);

    let endless = FakeRegistry::start();
    for page in 0..1001 {
        let here = if page == 0 {
            "?n=1000".to_owned()
        } else {
            format!("?page={page};")
        };
        let link = format!("<?page={};>; rel=\"next\"", page + 1);
        endless.instead(
            &format!("tags/list{here}"),
            1,
            200,
            &[("Link", &link)],
            r#"{"tags":[]}"#,
        );
    }
    let why = asker(&[]).tags(&endless).unwrap_err();
    assert!(why.contains("more tags than are read"), "{why}");
    assert_eq!(endless.count("tags/list"), 1000);

    let long = FakeRegistry::start();
    let tags: Vec<String> = (0..100_001).map(|at| format!("t{at}")).collect();
    long.instead("tags/list", 1, 200, &[], &json!({ "tags": tags }).to_string());
    let why = asker(&[]).tags(&long).unwrap_err();
    assert!(why.contains("more tags than are read"), "{why}");
}

#[test]
fn a_list_never_goes_on_at_another_host() {
    let registry = FakeRegistry::locked(Lock::Private);
    let other = FakeRegistry::start();
    let link = format!("<http://{}/v2/acme/web/tags/list>; rel=\"next\"", other.host());
    let asker = asker_with(&login(&registry, ANA));
    registry.instead("tags/list", 1, 200, &[("Link", &link)], r#"{"tags":["a"]}"#);
    let why = asker.tags(&registry).unwrap_err();
    assert!(why.starts_with("Denied") && why.contains("another host"), "{why}");
    assert!(other.seen().is_empty());
}
