//! What is asked of a remote, and what it answers: version 2 of git's protocol (gitprotocol-v2(5)), and the one message of a
//! push (gitprotocol-pack(5)).

use git2::Oid;

use super::packet::{Packet, Packets, Trouble, delimit, flush, odd, put, text};
use crate::world::git::push::{MOST_SAID, Status};
use crate::world::git::wire::Failure;

/// How much of an answer is read that holds a pack.
const MOST_PACK: usize = 128 << 20;
/// How much of any other answer is read.
const MOST: usize = 64 << 20;
/// How much of what is said of a push is read.
const MOST_REPORT: usize = 4 << 20;

/// A ref of the remote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ref {
    /// Its full name.
    pub name: String,
    /// What it is at.
    pub id: Oid,
    /// The ref that it stands for, where it stands for one.
    pub target: Option<String>,
}

/// What comes with a folder.
#[derive(Clone, Copy)]
pub(super) enum Below {
    /// So many floors of folders and files; 1 is the folder alone.
    Floors(usize),
    /// All folders, and no file.
    Folders,
    /// Everything.
    All,
}

/// What is asked for in one fetch.
pub(super) struct Wanted<'a> {
    /// The objects.
    pub ids: &'a [Oid],
    /// What comes with them.
    pub below: Below,
    /// Whether they are tips of branches, of which their own commit alone is wanted.
    pub tips: bool,
    /// A commit whose upper floors are here.
    pub have: Option<Oid>,
}

/// Asks for the refs whose names begin with a prefix.
pub(super) fn ls_refs(prefix: &str) -> Vec<u8> {
    let mut message = Vec::new();
    put(&mut message, b"command=ls-refs\n");
    delimit(&mut message);
    put(&mut message, b"symrefs\n");
    put(&mut message, format!("ref-prefix {prefix}\n").as_bytes());
    flush(&mut message);
    message
}

/// Asks for objects.
pub(super) fn fetch(wanted: &Wanted<'_>) -> Vec<u8> {
    let mut lines = vec!["no-progress".to_owned(), "ofs-delta".to_owned()];
    lines.extend(wanted.ids.iter().map(|id| format!("want {id}")));
    match wanted.below {
        Below::Floors(floors) => lines.push(format!("filter tree:{floors}")),
        Below::Folders => lines.push("filter blob:none".to_owned()),
        Below::All => {}
    }
    if wanted.tips {
        lines.push("deepen 1".to_owned());
    }
    if let Some(have) = wanted.have {
        lines.extend([
            "thin-pack".to_owned(),
            format!("shallow {have}"),
            format!("have {have}"),
        ]);
    }
    lines.push("done".to_owned());
    let mut message = Vec::new();
    put(&mut message, b"command=fetch\n");
    delimit(&mut message);
    for line in lines {
        put(&mut message, format!("{line}\n").as_bytes());
    }
    flush(&mut message);
    message
}

/// Asks for a ref to be set to an object, if it is at another one still; zeros stand for no ref. The pack follows.
pub(super) fn update(name: &str, old: Oid, new: Oid) -> Vec<u8> {
    let mut message = Vec::new();
    let line = format!("{old} {new} {name}\0 report-status side-band-64k");
    put(&mut message, line.as_bytes());
    flush(&mut message);
    message
}

/// Tells whether a remote speaks version 2 and takes filters.
pub(super) fn offers(read: impl FnMut(&mut [u8]) -> Result<usize, Failure>) -> Result<(), Trouble> {
    let mut packets = Packets::new(read, MOST);
    let mut filter = false;
    let mut version = false;
    while let Some(packet) = packets.next()? {
        let Packet::Data(data) = packet else {
            // The line that names the service has a message of its own.
            if version {
                break;
            }
            continue;
        };
        let Ok(line) = text(&data) else { break };
        if let Some(format) = line.strip_prefix("object-format=")
            && format != "sha1"
        {
            return odd("its ids are not SHA-1");
        }
        version |= line == "version 2";
        // Older servers list the refs here, which may be many.
        if !version && !line.starts_with("# service=") {
            break;
        }
        if let Some(extras) = line.strip_prefix("fetch=") {
            filter = ["shallow", "filter"]
                .iter()
                .all(|due| extras.split(' ').any(|extra| extra == *due));
        }
    }
    match (version, filter) {
        (true, true) => Ok(()),
        (true, false) => odd("it takes no filters"),
        (false, _) => odd("it does not speak version 2 of the protocol"),
    }
}

/// Reads the list of refs.
pub(super) fn refs(read: impl FnMut(&mut [u8]) -> Result<usize, Failure>) -> Result<Vec<Ref>, Trouble> {
    let mut packets = Packets::new(read, MOST);
    let mut refs = Vec::new();
    loop {
        match packets.next()? {
            Some(Packet::Data(data)) => refs.push(ref_of(line(&data)?)?),
            Some(Packet::Flush) => return Ok(refs),
            _ => return odd("its list of refs does not end"),
        }
    }
}

fn ref_of(line: &str) -> Result<Ref, Trouble> {
    let mut words = line.split(' ');
    let id = words.next().filter(|id| id.len() == 40).map(Oid::from_str);
    let (Some(Ok(id)), Some(name)) = (id, words.next()) else {
        return odd("its list of refs makes no sense");
    };
    Ok(Ref {
        name: name.to_owned(),
        id,
        target: words
            .find_map(|word| word.strip_prefix("symref-target:"))
            .map(str::to_owned),
    })
}

/// Reads the pack of a fetch, past what stands before it.
pub(super) fn pack(read: impl FnMut(&mut [u8]) -> Result<usize, Failure>) -> Result<Vec<u8>, Trouble> {
    let mut packets = Packets::new(read, MOST_PACK);
    loop {
        match packets.next()? {
            Some(Packet::Data(data)) if line(&data)? == "packfile" => break,
            Some(Packet::Data(_) | Packet::Delimiter) => {}
            Some(Packet::Flush) | None => return odd("it sends no pack, as where filters are not allowed"),
        }
    }
    let mut pack = Vec::new();
    loop {
        match packets.next()? {
            Some(Packet::Data(data)) => match data.split_first() {
                Some((1, bytes)) => pack.extend_from_slice(bytes),
                Some((2, _)) => {}
                Some((3, why)) => return said(why),
                _ => return odd("it sends a pack on no band"),
            },
            Some(Packet::Flush) => return Ok(pack),
            _ => return odd("its pack does not end"),
        }
    }
}

/// What a remote says of a push.
#[derive(Default)]
pub(super) struct Answer {
    /// Of the ref.
    pub status: Option<Status>,
    /// What hinders it from taking the pack.
    pub unpack: Option<String>,
    /// For people, cut short.
    pub said: Vec<u8>,
}

impl Answer {
    /// Reads what a remote says of a push to a ref. What was read before any trouble stays.
    pub(super) fn read(
        &mut self,
        read: impl FnMut(&mut [u8]) -> Result<usize, Failure>,
        name: &str,
    ) -> Result<(), Trouble> {
        let mut packets = Packets::new(read, MOST_REPORT);
        let mut report = Vec::new();
        let ended = loop {
            let data = match packets.next() {
                Ok(Some(Packet::Data(data))) => data,
                Ok(Some(Packet::Delimiter)) => continue,
                Ok(Some(Packet::Flush) | None) => break Ok(()),
                Err(trouble) => break Err(trouble),
            };
            match data.split_first() {
                // The report is made of packets again, which may be cut anywhere.
                Some((1, bytes)) => report.extend_from_slice(bytes),
                Some((2 | 3, bytes)) => {
                    let room = MOST_SAID.saturating_sub(self.said.len());
                    self.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                // Without bands the report stands here.
                _ => self.line(&data, name),
            }
        };
        let mut rest = &report[..];
        let read = |buffer: &mut [u8]| {
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            Ok(count)
        };
        let mut packets = Packets::new(read, report.len());
        while let Ok(Some(Packet::Data(data))) = packets.next() {
            self.line(&data, name);
        }
        ended
    }

    fn line(&mut self, data: &[u8], name: &str) {
        let line = String::from_utf8_lossy(data);
        let line = line.trim_end_matches('\n');
        if let Some(unpack) = line.strip_prefix("unpack ") {
            self.unpack = (unpack != "ok").then(|| unpack.to_owned());
        } else if line.strip_prefix("ok ") == Some(name) {
            self.status = Some(Status::Accepted);
        } else if let Some((of, why)) = line.strip_prefix("ng ").and_then(|line| line.split_once(' '))
            && of == name
        {
            self.status = Some(Status::Rejected(why.to_owned()));
        }
    }
}

/// Returns a packet's text, if it is not the remote's word that it will not.
fn line(data: &[u8]) -> Result<&str, Trouble> {
    match data.strip_prefix(b"ERR ") {
        Some(why) => said(why),
        None => text(data),
    }
}

fn said<T>(why: &[u8]) -> Result<T, Trouble> {
    let why = String::from_utf8_lossy(why);
    odd(format!("it says: {}", why.trim_end().escape_debug()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn reading(bytes: &[u8]) -> impl FnMut(&mut [u8]) -> Result<usize, Failure> {
        let mut rest = bytes;
        move |buffer| {
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            Ok(count)
        }
    }

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut message = Vec::new();
        for line in lines {
            match *line {
                "" => flush(&mut message),
                line => put(&mut message, line.as_bytes()),
            }
        }
        message
    }

    #[test]
    fn a_server_is_taken_at_its_word_where_it_says_what_it_offers() {
        let head = "# service=git-upload-pack\n";
        for (told, due) in [
            (
                &[
                    head,
                    "",
                    "version 2\n",
                    "ls-refs=unborn\n",
                    "fetch=shallow filter\n",
                    "",
                ][..],
                None,
            ),
            // GitLab and Gitea may leave the first line out.
            (&["version 2\n", "fetch=shallow wait-for-done filter\n", ""], None),
            (
                &[head, "", "version 2\n", "fetch=shallow\n", ""],
                Some("no filters"),
            ),
            (
                &[head, "", "version 2\n", "fetch=filters shallow\n", ""],
                Some("no filters"),
            ),
            (
                &[
                    "version 2\n",
                    "object-format=sha256\n",
                    "fetch=shallow filter\n",
                    "",
                ],
                Some("SHA-1"),
            ),
            (&[head, "", "0123 HEAD\0filter\n", ""], Some("version 2")),
            (&[], Some("version 2")),
        ] {
            match (offers(reading(&lines(told))), due) {
                (Ok(()), None) => {}
                (Err(Trouble::Odd(why)), Some(due)) => assert!(why.contains(due), "{told:?}: {why}"),
                other => panic!("{told:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_a_remote_says_of_a_push_is_read_with_bands_and_without() {
        let ng = "ng refs/heads/main failed to update ref\n";
        let inner = |lines_of: &[&str]| String::from_utf8(lines(lines_of)).unwrap();
        let banded = |report: &str| {
            // As servers do: cut where it happens to be full.
            let (one, two) = report.split_at(report.len() / 2);
            lines(&[&format!("\x01{one}"), "\x02no way\n", &format!("\x01{two}"), ""])
        };
        for (bytes, status, unpack) in [
            (
                banded(&inner(&["unpack ok\n", "ok refs/heads/main\n", ""])),
                Some(None),
                None,
            ),
            (
                banded(&inner(&["unpack ok\n", ng, ""])),
                Some(Some("failed to update ref")),
                None,
            ),
            (
                banded(&inner(&[
                    "unpack no space\n",
                    "ng refs/heads/main unpacker error\n",
                    "",
                ])),
                Some(Some("unpacker error")),
                Some("no space"),
            ),
            (
                banded(&inner(&["unpack ok\n", "ok refs/heads/other\n", ""])),
                None,
                None,
            ),
            (
                lines(&["unpack ok\n", "ok refs/heads/main\n", ""]),
                Some(None),
                None,
            ),
            (Vec::new(), None, None),
        ] {
            let mut answer = Answer::default();
            answer.read(reading(&bytes), "refs/heads/main").unwrap();
            let told = answer.status.map(|status| match status {
                Status::Accepted => None,
                Status::Rejected(why) => Some(why),
            });
            let told = told.as_ref().map(|why| why.as_deref());
            assert_eq!(told, status, "{}", String::from_utf8_lossy(&bytes));
            assert_eq!(answer.unpack.as_deref(), unpack);
        }
    }

    /// What a server may say of itself, of its refs, of a pack and of a push, and anything else.
    fn said_by_a_server() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("version 2\n"),
            Just("# service=git-upload-pack\n"),
            Just("fetch=shallow filter\n"),
            Just("object-format=sha1\n"),
            Just("0123456789012345678901234567890123456789 HEAD symref-target:refs/heads/main\n"),
            Just("packfile\n"),
            Just("unpack ok\n"),
            Just("ok refs/heads/main\n"),
            Just("ng refs/heads/main no\n"),
            Just("ERR no\n"),
        ];
        let line = prop_oneof![
            word.prop_map(|word| word.as_bytes().to_vec()),
            vec(any::<u8>(), 0..50),
            (1_u8..4, vec(any::<u8>(), 0..50)).prop_map(|(band, bytes)| [&[band][..], &bytes].concat()),
        ];
        let packet = prop_oneof![8 => line.prop_map(Some), 1 => Just(None)];
        vec(packet, 0..12).prop_map(|packets| {
            let mut message = Vec::new();
            for packet in packets {
                match packet {
                    Some(line) => put(&mut message, &line),
                    None => flush(&mut message),
                }
            }
            message
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_answer_makes_the_reader_panic(message in said_by_a_server(), cut in 0_usize..400) {
            let message = &message[..message.len().min(cut)];
            let _ = (offers(reading(message)), refs(reading(message)), pack(reading(message)));
            let _ = Answer::default().read(reading(message), "refs/heads/main");
        }
    }
}
