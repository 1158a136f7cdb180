//! The pack of a push: the objects that one commit brings, each as a change of what stood in its place where that is shorter.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};
use sha1::{Digest as _, Sha1};

use super::delta;

/// The number of a change of an object that is named by its id.
const ON_ID: u8 = 7;

/// An object that goes, and the one whose place it takes, which the remote has.
struct Going {
    id: Oid,
    before: Option<Oid>,
}

/// Makes the pack of what `commit` brings beside its parent.
pub(super) fn pack(repo: &Repository, parent: Option<Oid>, commit: Oid) -> Result<Vec<u8>, git2::Error> {
    let tree = |commit: Oid| repo.find_commit(commit)?.tree();
    let (old, new) = (parent.map(tree).transpose()?, tree(commit)?);
    let mut going = vec![Going {
        id: commit,
        before: None,
    }];
    if old.as_ref().map(Tree::id) != Some(new.id()) {
        changed(repo, old.as_ref(), &new, &mut going)?;
    }
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(going.len()).map_err(|_| git2::Error::from_str("too many objects"))?;
    pack.extend_from_slice(&count.to_be_bytes());
    for object in &going {
        put(repo, object, &mut pack)?;
    }
    let sum = Sha1::digest(&pack);
    pack.extend_from_slice(&sum);
    Ok(pack)
}

/// Gathers a tree and all below it that is not at the same place of the old one.
fn changed(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: &Tree<'_>,
    going: &mut Vec<Going>,
) -> Result<(), git2::Error> {
    going.push(Going {
        id: new.id(),
        before: old.map(Tree::id),
    });
    for entry in new {
        let before = old.and_then(|old| old.get_name_bytes(entry.name_bytes()));
        let before = before.map(|before| (before.id(), before.kind()));
        if before.is_some_and(|(id, _)| id == entry.id()) {
            continue;
        }
        let before = before.filter(|(_, kind)| *kind == entry.kind()).map(|(id, _)| id);
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let old = before.map(|id| repo.find_tree(id)).transpose()?;
                changed(repo, old.as_ref(), &repo.find_tree(entry.id())?, going)?;
            }
            Some(ObjectType::Blob) => going.push(Going {
                id: entry.id(),
                before,
            }),
            // A submodule's commit is not of this repository.
            _ => {}
        }
    }
    Ok(())
}

fn put(repo: &Repository, object: &Going, pack: &mut Vec<u8>) -> Result<(), git2::Error> {
    let odb = repo.odb()?;
    let whole = odb.read(object.id)?;
    let before = match object.before.map(|before| odb.read(before)) {
        Some(Ok(before)) => Some(before),
        // What was never fetched is no base.
        Some(Err(error)) if error.code() == ErrorCode::NotFound => None,
        Some(Err(error)) => return Err(error),
        None => None,
    };
    let change = before.map(|before| (before.id(), delta::between(before.data(), whole.data())));
    match change {
        Some((base, change)) if change.len() < whole.len() / 2 => {
            put_head(pack, ON_ID, change.len());
            pack.extend_from_slice(base.as_bytes());
            put_deflated(pack, &change)
        }
        _ => {
            put_head(pack, number_of(whole.kind()), whole.len());
            put_deflated(pack, whole.data())
        }
    }
}

fn number_of(kind: ObjectType) -> u8 {
    match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Tag => 4,
        _ => 3,
    }
}

/// Writes the kind and the length of an object: four bits of it, then seven a byte.
fn put_head(pack: &mut Vec<u8>, kind: u8, size: usize) {
    let low = |size: usize, bits: u8| size.to_le_bytes()[0] & bits;
    let mut byte = kind << 4 | low(size, 0x0f);
    let mut rest = size >> 4;
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = low(rest, 0x7f);
        rest >>= 7;
    }
    pack.push(byte);
}

fn put_deflated(pack: &mut Vec<u8>, bytes: &[u8]) -> Result<(), git2::Error> {
    let mut encoder = ZlibEncoder::new(pack, Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written
        .map(drop)
        .map_err(|e| git2::Error::from_str(&e.to_string()))
}
