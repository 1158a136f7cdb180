//! Files that come and go whole: folders that are made, brought up to date and removed.

use std::fmt;
use std::sync::Arc;

use super::args::BumpValuesArgs;
use super::draft::{Draft, Edited};
use super::request::{Inputs, Request};
use super::way::Way;
use crate::plan::Operation;
use crate::plan::commit::{Fate, FileChange};
use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::policy::{Policy, Reached};
use crate::words::repo_path::RepoPath;
use crate::yaml::Edit;

/// What some files come to on a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// The files that are added, changed or removed, each once.
    pub files: Vec<FileChange>,
    /// Edits of YAML files that stay, none of which is among the files above.
    pub edits: Vec<(RepoPath, Vec<Edit>)>,
    /// What there is to say where nothing changes.
    pub note: Option<String>,
    /// What it is where nothing changes; `None` for `Unchanged`.
    pub operation: Option<Operation>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
}

/// What finds out on each snapshot which files come and go: a pure function of it.
pub trait WholeFiles: fmt::Debug {
    /// Returns what changes on a snapshot; nothing, where all is as asked.
    ///
    /// # Errors
    /// What is in the way of it, and a read that failed.
    fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole>;
}

/// Files that come and go, and how that is told.
#[derive(Clone, Debug)]
pub struct WholeWay {
    /// What finds them out.
    pub files: Arc<dyn WholeFiles>,
    /// The subject of the commit where no message is given.
    pub subject: String,
    /// The branch that carries a pull request where none is named.
    pub head_branch: String,
}

impl Request {
    /// Parses the flags of a command whose files come and go whole.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn of_whole(args: BumpValuesArgs, inputs: &Inputs, way: WholeWay) -> Result<Self, Fault> {
        Self::of_way(args, inputs, Way::Whole(way))
    }

    /// The branch that carries a pull request, where files come and go whole and none is named.
    pub fn usual_branch(&self) -> Option<&str> {
        match &self.way {
            Way::Whole(way) => Some(&way.head_branch),
            _ => None,
        }
    }

    /// Finds out the files of a snapshot that come and go whole, and drafts the edits of those that stay.
    pub(super) fn draft_whole(&self, draft: &mut Draft, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
        let Way::Whole(way) = &self.way else {
            return Ok(Whole::default());
        };
        let whole = way.files.on(snapshot)?;
        for (path, edits) in &whole.edits {
            let file = draft.open(snapshot, std::slice::from_ref(path))?.remove(0);
            for edit in edits {
                draft.push(&file, edit.clone());
            }
        }
        Ok(whole)
    }
}

/// Adds the files that come and go to those that were edited, in the order of their names.
pub(super) fn add(whole: &Whole, mut edited: Edited) -> Edited {
    edited.files.extend(whole.files.iter().cloned());
    edited.files.sort_by(|a, b| a.path.cmp(&b.path));
    edited
}

/// The environments of the policy that list a file which comes, goes or changes whole.
pub(super) fn touched<'f>(policy: &Policy, whole: &'f Whole) -> Result<Vec<(&'f RepoPath, Reached)>, Fault> {
    let mut touched = Vec::new();
    for file in &whole.files {
        let entries = policy.places(&file.path)?;
        touched.extend(entries.into_iter().map(|entry| (&file.path, entry)));
    }
    Ok(touched)
}

/// What a change of files amounts to: something new where each of them is.
pub(super) fn operation(files: &[FileChange]) -> Operation {
    let is_new = |file: &FileChange| matches!(file.fate, Fate::Added { .. });
    if files.iter().all(is_new) {
        Operation::Created
    } else {
        Operation::Updated
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::plan::ancestry::Ancestry;
    use crate::plan::comparison::{LoggedCommit, Relation};
    use crate::plan::snapshot::Blob;
    use crate::plan::{Plan, Publish, folder};
    use crate::steps::bump_values::Circumstances;
    use crate::steps::parse_path;
    use crate::words::fault::Kind;
    use crate::words::folder_template::FolderFile;
    use crate::yaml::{IfMissing, Operation as EditOperation, Value};

    const POLICY: &str = "\
version: 1
apps:
  '*':
    environments:
      dev: {auto-deploy: on, targets: [{file: 'apps/{app}/dev.yaml'}]}
      prod: {auto-deploy: off, targets: [{file: 'apps/{app}/prod.yaml'}]}
";

    struct Nobody;

    impl Ancestry for Nobody {
        fn relation(&self, _: &str, _: &str, _: &str) -> anyhow::Result<Option<Relation>> {
            Ok(None)
        }
    }

    #[derive(Debug)]
    struct Repo(Vec<(&'static str, &'static str)>);

    impl Snapshot for Repo {
        fn commit(&self) -> Option<&str> {
            None
        }
        fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
            let find = |path: &RepoPath| {
                let found = self.0.iter().find(|(name, _)| *name == path.as_str());
                found.map(|(_, text)| Blob {
                    path: path.clone(),
                    bytes: text.as_bytes().to_vec(),
                })
            };
            Ok(paths.iter().map(find).collect())
        }
        fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
            Ok(self
                .0
                .iter()
                .map(|(name, _)| RepoPath::parse(name).unwrap())
                .collect())
        }
        fn history(&self, _: &RepoPath, _: usize) -> anyhow::Result<Vec<LoggedCommit>> {
            Ok(Vec::new())
        }
        fn at(&self, _: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
            unreachable!("nobody asks for its past")
        }
    }

    #[derive(Debug)]
    struct Folder {
        write: Vec<&'static str>,
        remove: Option<&'static str>,
        set: Option<&'static str>,
    }

    impl WholeFiles for Folder {
        fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
            let file = |path: &&str| FolderFile {
                path: RepoPath::parse(path).unwrap(),
                bytes: b"a: 1\n".to_vec(),
                executable: false,
            };
            let mut files = folder::written(snapshot, self.write.iter().map(file).collect())?;
            if let Some(remove) = self.remove {
                let paths = folder::files_in(snapshot, &RepoPath::parse(remove)?)?;
                files.extend(folder::removed(snapshot, &paths)?);
            }
            let edit = |path: &str| Edit {
                document: None,
                path: parse_path("apps.new.image").unwrap(),
                operation: EditOperation::Set {
                    value: Value::String(path.to_owned()),
                },
                if_missing: IfMissing::Create,
                allow_shared: false,
            };
            let edits = self
                .set
                .map(|to| (RepoPath::parse(".gitops-steps.yaml").unwrap(), vec![edit(to)]));
            Ok(Whole {
                files,
                edits: edits.into_iter().collect(),
                note: Some("it is all there".to_owned()),
                ..Whole::default()
            })
        }
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BumpValuesArgs,
    }

    fn planned(repo: &Repo, folder: Folder, flags: &[&str]) -> anyhow::Result<Plan> {
        let line = ["x"].iter().chain(flags).copied();
        let way = WholeWay {
            files: Arc::new(folder),
            subject: "preview: {it}".to_owned(),
            head_branch: "preview/7".to_owned(),
        };
        let request = Request::of_whole(Line::try_parse_from(line)?.args, &Inputs::default(), way)?;
        assert_eq!(request.head_branch()?, "preview/7");
        let circumstances = Circumstances {
            publish: Publish::Push,
            now: jiff::Timestamp::UNIX_EPOCH,
            ancestry: &Nobody,
        };
        request.plan(repo, circumstances)
    }

    fn fates(plan: &Plan) -> Vec<String> {
        let fate = |file: &FileChange| match file.fate {
            Fate::Added { .. } => format!("+{}", file.path),
            Fate::Changed { .. } => file.path.to_string(),
            Fate::Removed { .. } => format!("-{}", file.path),
        };
        plan.files.iter().map(fate).collect()
    }

    fn folder() -> Folder {
        Folder {
            write: vec![],
            remove: None,
            set: None,
        }
    }

    #[test]
    fn files_come_change_and_go_in_one_commit_that_says_so() {
        let repo = Repo(vec![
            (".gitops-steps.yaml", POLICY),
            ("old/a/b.yaml", "x\n"),
            ("old.yaml", "x\n"),
            ("same.yaml", "a: 1\n"),
            ("there.yaml", "a: 0\n"),
        ]);
        let all = Folder {
            write: vec!["there.yaml", "same.yaml", "new/x.yaml"],
            remove: Some("old"),
            set: Some("web"),
        };
        let plan = planned(&repo, all, &[]).unwrap();
        assert_eq!(
            fates(&plan),
            [".gitops-steps.yaml", "+new/x.yaml", "-old/a/b.yaml", "there.yaml"]
        );
        assert_eq!(plan.operation, Operation::Updated);
        assert_eq!(plan.message.lines().next(), Some("preview: {it}"));
        assert_eq!(plan.publish, Publish::Push);
        let new = Folder {
            write: vec!["n.yaml"],
            ..folder()
        };
        assert_eq!(planned(&repo, new, &[]).unwrap().operation, Operation::Created);
    }

    #[test]
    fn what_is_there_already_changes_nothing() {
        let repo = Repo(vec![(".gitops-steps.yaml", POLICY), ("same.yaml", "a: 1\n")]);
        let same = Folder {
            write: vec!["same.yaml"],
            remove: Some("gone"),
            ..folder()
        };
        let plan = planned(&repo, same, &[]).unwrap();
        assert!(plan.is_empty());
        assert_eq!(plan.reason.as_deref(), Some("it is all there"));
    }

    #[test]
    fn a_file_of_a_manual_environment_is_not_pushed_nor_removed_by_a_push() {
        let repo = Repo(vec![
            (".gitops-steps.yaml", POLICY),
            ("apps/web/prod.yaml", "x\n"),
        ]);
        let writes = |path| Folder {
            write: vec![path],
            ..folder()
        };
        let removes = || Folder {
            remove: Some("apps/web"),
            ..folder()
        };
        assert_eq!(
            planned(&repo, writes("apps/web/dev.yaml"), &[]).unwrap().publish,
            Publish::Push
        );
        for change in [
            writes("apps/web/prod.yaml"),
            writes("apps/new/prod.yaml"),
            removes(),
        ] {
            assert_eq!(planned(&repo, change, &[]).unwrap().publish, Publish::PullRequest);
        }
        let error = planned(&repo, removes(), &["--publish", "push"]).unwrap_err();
        assert_eq!(error.downcast_ref::<Fault>().unwrap().kind, Kind::Refused);
    }
}
