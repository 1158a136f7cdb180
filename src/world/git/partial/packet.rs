//! The packets that git's protocol is made of (gitprotocol-common(5)): four hex digits of length, then what they count.

use crate::world::git::wire::Failure;

/// The longest packet, its length included.
const LONGEST: usize = 65_520;
/// The digits of a packet's length.
const HEAD: usize = 4;

/// Why a partial repository got no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The transport's own failure, which any other way would meet too.
    Failure(Failure),
    /// The remote does not do what is asked for, or says what makes no sense: libgit2 has to try.
    Odd(String),
}

impl<F: Into<Failure>> From<F> for Trouble {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Makes trouble of an answer that makes no sense.
pub(super) fn odd<T>(why: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Odd(why.into()))
}

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// What it holds.
    Data(Vec<u8>),
    /// The end of a message.
    Flush,
    /// The end of a part of one.
    Delimiter,
}

/// The packets of an answer, of which no more is read than so many bytes.
pub(super) struct Packets<R> {
    read: R,
    left: usize,
}

impl<R: FnMut(&mut [u8]) -> Result<usize, Failure>> Packets<R> {
    /// Takes what `read` gives, up to `most` bytes.
    pub(super) fn new(read: R, most: usize) -> Self {
        Self { read, left: most }
    }

    /// Returns the next packet; `None` where the answer ends.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, Trouble> {
        let mut head = [0; HEAD];
        match self.fill(&mut head)? {
            0 => return Ok(None),
            HEAD => {}
            _ => return odd("its answer ends within a packet"),
        }
        let length = std::str::from_utf8(&head)
            .ok()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match length {
            Some(0) => Ok(Some(Packet::Flush)),
            Some(1) => Ok(Some(Packet::Delimiter)),
            Some(length @ HEAD..=LONGEST) => {
                let mut data = vec![0; length - HEAD];
                if self.fill(&mut data)? != data.len() {
                    return odd("its answer ends within a packet");
                }
                Ok(Some(Packet::Data(data)))
            }
            _ => odd("its answer is not made of packets"),
        }
    }

    /// Reads as much as there is room for, and less only where the answer ends.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Trouble> {
        if buffer.len() > self.left {
            return odd("its answer is too long");
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match (self.read)(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        self.left -= filled;
        Ok(filled)
    }
}

/// Adds a packet to a message.
pub(super) fn put(message: &mut Vec<u8>, data: &[u8]) {
    debug_assert!(data.len() <= LONGEST - HEAD, "a packet of ours is short");
    message.extend_from_slice(format!("{:04x}", data.len() + HEAD).as_bytes());
    message.extend_from_slice(data);
}

/// Ends a part of a message.
pub(super) fn delimit(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0001");
}

/// Ends a message.
pub(super) fn flush(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0000");
}

/// Returns a packet's text without its line break.
pub(super) fn text(data: &[u8]) -> Result<&str, Trouble> {
    match std::str::from_utf8(data) {
        Ok(text) => Ok(text.strip_suffix('\n').unwrap_or(text)),
        Err(_) => odd("its answer is not text"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn packets(mut bytes: &[u8], most: usize) -> Result<Vec<Packet>, Trouble> {
        let read = |buffer: &mut [u8]| {
            // As a slow network would: a few bytes at a time.
            let count = bytes.len().min(buffer.len()).min(3);
            buffer[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            Ok(count)
        };
        let mut packets = Packets::new(read, most);
        let mut found = Vec::new();
        while let Some(packet) = packets.next()? {
            found.push(packet);
        }
        Ok(found)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put(&mut message, b"command=fetch\n");
        delimit(&mut message);
        put(&mut message, b"");
        flush(&mut message);
        assert_eq!(message, b"0012command=fetch\n000100040000");
        assert_eq!(
            packets(&message, 100).unwrap(),
            [
                Packet::Data(b"command=fetch\n".to_vec()),
                Packet::Delimiter,
                Packet::Data(Vec::new()),
                Packet::Flush
            ]
        );
    }

    #[test]
    fn what_is_no_packet_is_told_and_nothing_is_read_beyond_the_bound() {
        for (bytes, why) in [
            (&b"00"[..], "ends within"),
            (b"0009abc", "ends within"),
            (b"ffff", "not made of packets"),
            (b"0003", "not made of packets"),
            (b"0002", "not made of packets"),
            (b"+004", "not made of packets"),
            (b"<htm", "not made of packets"),
            (b"fff0", "too long"),
            (b"0008abcd0008abcd", "too long"),
        ] {
            let Err(Trouble::Odd(told)) = packets(bytes, 12) else {
                panic!("{bytes:?}")
            };
            assert!(told.contains(why), "{told}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_the_reader_panic_or_read_too_much(
            lines in vec(vec(any::<u8>(), 0..30), 0..6),
            odd in vec(any::<u8>(), 0..8),
            most in 0_usize..100,
        ) {
            let mut message = Vec::new();
            for line in &lines {
                put(&mut message, line);
            }
            message.extend(odd);
            let mut rest = &message[..];
            let read = |buffer: &mut [u8]| {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok(count)
            };
            let mut packets = Packets::new(read, most);
            while let Ok(Some(_)) = packets.next() {}
            prop_assert!(message.len() - rest.len() <= most);
        }
    }
}
