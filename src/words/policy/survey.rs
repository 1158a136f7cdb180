//! A policy file that may be wrong: everything that is, and what can be known all the same.

use super::{Policy, check, file, read_yaml, text_of};
use crate::words::fault::{self, Fault};
use crate::yaml::{self, Node, NodeKind};

/// A policy file that was looked at.
pub struct Survey {
    /// The policy, as far as it could be read; an app or environment of it may be wrong, as the flaws tell.
    pub policy: Option<Policy>,
    /// What is wrong, each with its place.
    pub flaws: Vec<Flaw>,
    text: Option<yaml::File>,
}

/// Something that is wrong with a policy file.
pub struct Flaw {
    /// The keys that lead to it, as far as they are known.
    pub keys: Vec<String>,
    /// What is wrong.
    pub fault: Fault,
}

/// Looks at a policy file; `file_name` is what messages call it.
///
/// Where its YAML or a key is wrong, that is the only flaw: what follows cannot be known.
pub fn survey(file_name: &str, bytes: &[u8]) -> Survey {
    let read =
        text_of(file_name, bytes).and_then(|text| Ok((text, read_yaml::<file::File>(file_name, text)?)));
    let (text, file) = match read {
        Ok(read) => read,
        Err(fault) => {
            let flaw = Flaw {
                keys: Vec::new(),
                fault,
            };
            return Survey {
                policy: None,
                flaws: vec![flaw],
                text: None,
            };
        }
    };
    let version = file.version;
    let wrongs = check::check(&file);
    let mut survey = Survey {
        policy: (version == 1).then(|| Policy::of(file)),
        flaws: Vec::new(),
        text: yaml::File::parse(text.as_bytes()).ok(),
    };
    for wrong in wrongs {
        let place = survey.place(file_name, &wrong.path);
        survey.flaws.push(Flaw {
            fault: wrong.fault.at(file_name, place.line, place.column),
            keys: wrong.path,
        });
    }
    survey
}

impl Survey {
    /// Returns where the key stands that keys and indexes of lists lead to, or the last of them that is there.
    pub fn place(&self, file_name: &str, keys: &[String]) -> fault::Place {
        let root = self.text.as_ref().and_then(|text| text.documents().next());
        let (mut line, mut column) = (1, 1);
        let mut at = root;
        for key in keys {
            let Some((shown, value)) = at.and_then(|node| step(node, key)) else {
                break;
            };
            (line, column) = (shown.line(), shown.column());
            at = Some(value);
        }
        fault::Place {
            file: file_name.to_owned(),
            line,
            column,
        }
    }
}

/// The key (or item) of a step into a node, and its value.
fn step<'f>(node: Node<'f>, key: &str) -> Option<(Node<'f>, Node<'f>)> {
    match node.kind() {
        NodeKind::Mapping => node.entries().find(|(name, _)| name.text() == Some(key)),
        NodeKind::Sequence => {
            let item = node.items().nth(key.parse().ok()?)?;
            Some((item, item))
        }
        NodeKind::Scalar | NodeKind::Alias => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKEN: &str = r"version: 1
apps:
  web:
    image: Nope
    source: []
    environments:
      dev: {targets: [{file: ../dev.yaml}, {file: dev.yaml, kind: path}]}
      prod: {promote-from: qa, targets: [{file: prod.yaml}], frozen: {from: soon, until: later}}
      a: {promote-from: b, targets: [{file: a.yaml}]}
      b: {promote-from: a, targets: [{file: b.yaml}]}
  api: {environments: {dev: {targets: [{file: api.yaml}]}}}
holds:
  web: {reason: x}
";

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let survey = survey("p", BROKEN.as_bytes());
        let told: Vec<String> = survey
            .flaws
            .iter()
            .map(|flaw| {
                let place = flaw.fault.place.as_ref().unwrap();
                format!("{}:{} {}", place.line, place.column, flaw.keys.join("/"))
            })
            .collect();
        assert_eq!(
            told,
            [
                "4:5 apps/web/image",
                "5:5 apps/web/source",
                "7:24 apps/web/environments/dev/targets/0/file",
                "7:61 apps/web/environments/dev/targets/1/kind",
                "8:71 apps/web/environments/prod/frozen/from",
                "9:11 apps/web/environments/a/promote-from",
                "8:14 apps/web/environments/prod/promote-from",
                "13:3 holds/web",
            ]
            .map(str::to_owned)
        );
        let policy = survey.policy.unwrap();
        assert!(
            policy
                .resolve(&"api".parse().unwrap(), &"dev".parse().unwrap())
                .is_ok()
        );
    }

    #[test]
    fn a_key_that_is_unknown_is_the_only_flaw() {
        let survey = survey("p", b"version: 1\napps: {}\nhold: {}\n");
        assert_eq!(survey.flaws.len(), 1);
        assert!(survey.policy.is_none());
    }
}
