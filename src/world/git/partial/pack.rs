//! Reads a pack into an object database, with bounds on what it may become (gitformat-pack(5)).
//!
//! An object's id is made of what it holds, so no remote can pass one off as another: who asked for an id looks afterwards
//! whether it is there.

use std::collections::HashMap;
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};
use git2::{ObjectType, Odb, Oid};
use sha1::{Digest as _, Sha1};

use super::delta;
use super::packet::{Trouble, odd};

/// The largest object.
const LARGEST: usize = 64 << 20;
/// How much all objects of a pack may be together.
const MOST: usize = 128 << 20;
/// How often the objects are gone through for those that were waiting for another.
const ROUNDS: usize = 64;
/// The bytes of an id, and of the sum at the end.
const ID: usize = 20;

/// An object as it stands in a pack.
enum Stored {
    Whole(ObjectType),
    /// A change of the object that stands that many bytes into the pack.
    OnOffset(usize),
    /// A change of an object that may be elsewhere.
    OnId(Oid),
}

/// An object that is whole.
type Object = (ObjectType, Rc<Vec<u8>>);

/// Puts all objects of a pack into the database and returns how many there are.
pub(super) fn unpack(odb: &Odb<'_>, pack: &[u8]) -> Result<usize, Trouble> {
    let mut reader = Reader::of(pack)?;
    let mut stored = Vec::new();
    for _ in 0..reader.count()? {
        stored.push(reader.next()?);
    }
    if reader.at != reader.bytes.len() {
        return odd("its pack holds more than it says");
    }
    resolve(odb, stored, MOST - reader.inflated)
}

/// Makes whole objects of changes, whose bases may come later or be in the database already, and writes them all.
fn resolve(odb: &Odb<'_>, stored: Vec<(usize, Stored, Vec<u8>)>, mut left: usize) -> Result<usize, Trouble> {
    let count = stored.len();
    let mut by_offset: HashMap<usize, Object> = HashMap::new();
    let mut by_id: HashMap<Oid, Object> = HashMap::new();
    let mut waiting = stored;
    for _ in 0..ROUNDS {
        let mut still = Vec::new();
        let before = waiting.len();
        for (offset, how, bytes) in waiting {
            let base = match &how {
                Stored::Whole(kind) => Some((*kind, Rc::default())),
                Stored::OnOffset(base) => by_offset.get(base).cloned(),
                Stored::OnId(base) => by_id.get(base).cloned().or_else(|| {
                    let found = odb.read(*base).ok()?;
                    Some((found.kind(), Rc::new(found.data().to_vec())))
                }),
            };
            let Some((kind, base)) = base else {
                still.push((offset, how, bytes));
                continue;
            };
            let bytes = if matches!(how, Stored::Whole(_)) {
                bytes
            } else {
                delta::apply(&base, &bytes, LARGEST.min(left))?
            };
            left = left.saturating_sub(bytes.len());
            let written = odb.write(kind, &bytes);
            let id =
                written.map_err(|e| Trouble::Odd(format!("an object cannot be kept: {}", e.message())))?;
            let object = (kind, Rc::new(bytes));
            by_id.insert(id, object.clone());
            by_offset.insert(offset, object);
        }
        if still.is_empty() {
            return Ok(count);
        }
        if still.len() == before {
            break;
        }
        waiting = still;
    }
    odd("its pack has changes of objects that are not there")
}

/// The entries of a pack, one after the other.
struct Reader<'p> {
    bytes: &'p [u8],
    at: usize,
    inflated: usize,
}

impl<'p> Reader<'p> {
    /// Takes a pack whose sum is right.
    fn of(pack: &'p [u8]) -> Result<Self, Trouble> {
        let Some((bytes, sum)) = pack.split_last_chunk::<ID>() else {
            return odd("its pack is cut short");
        };
        if Sha1::digest(bytes)[..] != sum[..] {
            return odd("the sum of its pack is wrong");
        }
        Ok(Self {
            bytes,
            at: 0,
            inflated: 0,
        })
    }

    /// Reads the head: how many objects there are, which is no more than there can be.
    fn count(&mut self) -> Result<usize, Trouble> {
        let head: [u8; 12] = self.take()?;
        let (magic, count) = head.split_at(8);
        if magic != b"PACK\0\0\0\x02" {
            return odd("its pack is none");
        }
        let count = count.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if count > self.bytes.len() {
            return odd("its pack says more than it holds");
        }
        Ok(count)
    }

    fn next(&mut self) -> Result<(usize, Stored, Vec<u8>), Trouble> {
        let offset = self.at;
        let first = self.byte()?;
        let mut size = usize::from(first & 0x0f);
        let mut shift = 4;
        let mut more = first & 0x80 != 0;
        while more {
            let byte = self.byte()?;
            if shift > 32 {
                return odd("an object of its pack is too large");
            }
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            more = byte & 0x80 != 0;
        }
        let how = match first >> 4 & 7 {
            1 => Stored::Whole(ObjectType::Commit),
            2 => Stored::Whole(ObjectType::Tree),
            3 => Stored::Whole(ObjectType::Blob),
            4 => Stored::Whole(ObjectType::Tag),
            6 => Stored::OnOffset(self.base_before(offset)?),
            7 => Stored::OnId(id_of(&self.take::<ID>()?)?),
            _ => return odd("its pack holds what is no object"),
        };
        Ok((offset, how, self.inflate(size)?))
    }

    /// Reads how far back a base stands: seven bits a byte, and one more for each byte that follows.
    fn base_before(&mut self, offset: usize) -> Result<usize, Trouble> {
        let mut byte = self.byte()?;
        let mut back = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.byte()?;
            if back > offset {
                break;
            }
            back = (back + 1) << 7 | usize::from(byte & 0x7f);
        }
        match offset.checked_sub(back) {
            Some(base) if back > 0 => Ok(base),
            _ => odd("its pack has a change of nothing"),
        }
    }

    fn inflate(&mut self, size: usize) -> Result<Vec<u8>, Trouble> {
        self.inflated += size;
        if size > LARGEST || self.inflated > MOST {
            return odd("an object of its pack is too large");
        }
        // One byte more than is due, so that a stream that is longer is seen to be.
        let mut bytes = vec![0; size + 1];
        let mut stream = Decompress::new(true);
        let ended = stream.decompress(&self.bytes[self.at..], &mut bytes, FlushDecompress::Finish);
        let taken = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        if !matches!(ended, Ok(Status::StreamEnd)) || stream.total_out() != size as u64 {
            return odd("an object of its pack is spoilt");
        }
        self.at += taken;
        bytes.truncate(size);
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Trouble> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.first_chunk::<N>() else {
            return odd("its pack is cut short");
        };
        self.at += N;
        Ok(*taken)
    }
}

fn id_of(bytes: &[u8]) -> Result<Oid, Trouble> {
    Oid::from_bytes(bytes).map_err(|_| Trouble::Odd("its pack holds an id that is none".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use git2::Repository;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::world::testing::folder;

    /// An entry: its number, the length that it says it has, what names its base, and what it holds.
    type Entry<'a> = (u8, usize, &'a [u8], &'a [u8]);

    fn entry((number, size, base, bytes): Entry<'_>) -> Vec<u8> {
        let mut entry = Vec::new();
        let low = |size: usize, bits: u8| size.to_le_bytes()[0] & bits;
        let (mut byte, mut rest) = ((number << 4) | low(size, 0x0f), size >> 4);
        while rest > 0 {
            entry.push(byte | 0x80);
            (byte, rest) = (low(rest, 0x7f), rest >> 7);
        }
        entry.push(byte);
        entry.extend_from_slice(base);
        let mut encoder = ZlibEncoder::new(entry, Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn pack_of(count: u32, entries: &[Entry<'_>]) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&count.to_be_bytes());
        pack.extend(entries.iter().flat_map(|each| entry(*each)));
        let sum = Sha1::digest(&pack);
        pack.extend_from_slice(&sum);
        pack
    }

    fn blob(bytes: &[u8]) -> Oid {
        Oid::hash_object(ObjectType::Blob, bytes).unwrap()
    }

    #[test]
    fn changes_are_made_whole_whatever_comes_first_and_wherever_their_base_is() {
        let home = folder(&[]);
        let repo = Repository::init_bare(home.path()).unwrap();
        let odb = repo.odb().unwrap();
        odb.write(ObjectType::Blob, b"here already").unwrap();
        let first = entry((3, 5, b"", b"first"));
        let back = [u8::try_from(first.len()).unwrap()];
        let by_offset = delta::between(b"first", b"first and second");
        let by_id = delta::between(b"later", b"later still");
        let outside = delta::between(b"here already", b"here no more");
        let entries = [
            (3, 5, &b""[..], &b"first"[..]),
            (6, by_offset.len(), &back, &by_offset),
            (7, by_id.len(), blob(b"later").as_bytes(), &by_id),
            (7, outside.len(), blob(b"here already").as_bytes(), &outside),
            (3, 5, b"", b"later"),
        ]
        .map(|(number, size, base, bytes)| (number, size, base.to_vec(), bytes.to_vec()));
        let entries: Vec<Entry<'_>> = entries
            .iter()
            .map(|(number, size, base, bytes)| (*number, *size, &base[..], &bytes[..]))
            .collect();
        assert_eq!(unpack(&odb, &pack_of(5, &entries)).unwrap(), 5);
        for text in [
            &b"first"[..],
            b"first and second",
            b"later",
            b"later still",
            b"here no more",
        ] {
            assert!(odb.exists(blob(text)), "{text:?}");
        }
    }

    #[test]
    fn a_pack_that_lies_is_refused_before_it_grows() {
        let home = folder(&[]);
        let repo = Repository::init_bare(home.path()).unwrap();
        let odb = repo.odb().unwrap();
        let nowhere = [9; ID];
        // The change says that it becomes a gigabyte.
        let bomb = [5, 0x80, 0x80, 0x80, 0x80, 4, 0x90, 5];
        let first = blob(b"first");
        let bombed: &[Entry<'_>] = &[(3, 5, b"", b"first"), (7, bomb.len(), first.as_bytes(), &bomb)];
        let zeros = vec![0; 1 << 20];
        let good = pack_of(1, &[(3, 5, b"", b"first")]);
        for (pack, why) in [
            (Vec::new(), "cut short"),
            (good[..good.len() - 1].to_vec(), "sum of its pack is wrong"),
            (pack_of(2, &[(3, 5, b"", b"first")]), "cut short"),
            (pack_of(0, &[(3, 5, b"", b"first")]), "more than it says"),
            (pack_of(u32::MAX, &[]), "says more than it holds"),
            (pack_of(1, &[(3, 4, b"", b"first")]), "spoilt"),
            (pack_of(1, &[(3, 6, b"", b"first")]), "spoilt"),
            // A megabyte in a thousand bytes, said to be short.
            (pack_of(1, &[(3, 10, b"", &zeros)]), "spoilt"),
            (pack_of(1, &[(3, LARGEST + 1, b"", b"first")]), "too large"),
            (pack_of(1, &[(3, usize::MAX >> 3, b"", b"first")]), "too large"),
            (pack_of(1, &[(0, 5, b"", b"first")]), "no object"),
            (pack_of(1, &[(5, 5, b"", b"first")]), "no object"),
            (pack_of(1, &[(6, 5, &[0], b"first")]), "a change of nothing"),
            (pack_of(1, &[(6, 5, &[0x7f], b"first")]), "a change of nothing"),
            (
                pack_of(1, &[(6, 5, &[0xff; 12], b"first")]),
                "a change of nothing",
            ),
            (
                pack_of(1, &[(7, 5, &nowhere, b"first")]),
                "objects that are not there",
            ),
            (pack_of(2, bombed), "does not fit"),
        ] {
            match unpack(&odb, &pack) {
                Err(Trouble::Odd(told)) => assert!(told.contains(why), "{why}: {told}"),
                other => panic!("{why}: {other:?}"),
            }
        }
    }

    thread_local! {
        static HERE: (tempfile::TempDir, Repository) = {
            let home = folder(&[]);
            let repo = Repository::init_bare(home.path()).unwrap();
            repo.odb().unwrap().add_new_mempack_backend(1).unwrap();
            (home, repo)
        };
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pack_makes_the_reader_panic(
            objects in vec((0_u8..8, 0_usize..40, vec(any::<u8>(), 0..24), vec(any::<u8>(), 0..40)), 0..6),
            spoilt in any::<Option<(u16, u8)>>(),
        ) {
            // Most of them say how long they are.
            let entries: Vec<Entry<'_>> = objects
                .iter()
                .map(|(number, size, base, bytes)| {
                    let size = if size % 4 == 0 { *size } else { bytes.len() };
                    (*number, size, &base[..], &bytes[..])
                })
                .collect();
            let mut pack = pack_of(u32::try_from(entries.len()).unwrap(), &entries);
            if let Some((at, byte)) = spoilt {
                pack.truncate(pack.len() - ID);
                let at = usize::from(at) % pack.len();
                pack[at] = byte;
                let sum = Sha1::digest(&pack);
                pack.extend_from_slice(&sum);
            }
            let _ = HERE.with(|(_, repo)| unpack(&repo.odb().unwrap(), &pack));
        }
    }
}
