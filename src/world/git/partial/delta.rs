//! Changes of objects, as packs hold them: stretches of the base that stay, and bytes that are new (gitformat-pack(5)).

use super::packet::{Trouble, odd};

/// The longest stretch that one instruction copies.
const LONGEST_COPY: usize = 0xff_ffff;
/// The most bytes that one instruction brings.
const LONGEST_INSERT: usize = 0x7f;

/// Returns what a base becomes, if that is no longer than `most`.
pub(super) fn apply(base: &[u8], delta: &[u8], most: usize) -> Result<Vec<u8>, Trouble> {
    let mut rest = delta;
    let due_base = size(&mut rest)?;
    let due = size(&mut rest)?;
    if due_base != base.len() || due > most {
        return odd("its pack has a change that does not fit");
    }
    let mut made = Vec::new();
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        let piece = if code & 0x80 != 0 {
            let start = operand(code, 4, &mut rest)?;
            let length = match operand(code >> 4, 3, &mut rest)? {
                0 => 0x1_0000,
                length => length,
            };
            start.checked_add(length).and_then(|end| base.get(start..end))
        } else if code != 0 {
            let piece = rest.get(..usize::from(code));
            rest = rest.get(usize::from(code)..).unwrap_or_default();
            piece
        } else {
            None
        };
        match piece {
            Some(piece) if made.len() + piece.len() <= due => made.extend_from_slice(piece),
            _ => return odd("its pack has a change that makes no sense"),
        }
    }
    if made.len() != due {
        return odd("its pack has a change that does not fit");
    }
    Ok(made)
}

/// Returns how `new` is made of `old`: what both begin with, what is between, what both end with.
pub(super) fn between(old: &[u8], new: &[u8]) -> Vec<u8> {
    let shorter = old.len().min(new.len());
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let ends = old.iter().rev().zip(new.iter().rev());
    let end = ends
        .take(shorter - start)
        .take_while(|(old, new)| old == new)
        .count();
    let mut delta = Vec::new();
    put_size(&mut delta, old.len());
    put_size(&mut delta, new.len());
    put_copy(&mut delta, 0, start);
    for piece in new[start..new.len() - end].chunks(LONGEST_INSERT) {
        delta.extend(u8::try_from(piece.len()));
        delta.extend_from_slice(piece);
    }
    put_copy(&mut delta, old.len() - end, end);
    delta
}

/// Reads a length: seven bits a byte, the lowest first.
fn size(rest: &mut &[u8]) -> Result<usize, Trouble> {
    let mut size = 0;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let Some((&byte, after)) = rest.split_first() else {
            break;
        };
        *rest = after;
        size |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    odd("its pack has a change without a length")
}

fn put_size(delta: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        delta.push(low(size) | 0x80);
        size >>= 7;
    }
    delta.push(low(size));
}

/// Reads those bytes of a number that the bits of a code say are there.
fn operand(code: u8, bytes: u32, rest: &mut &[u8]) -> Result<usize, Trouble> {
    let mut number = 0;
    for at in 0..bytes {
        if code >> at & 1 == 1 {
            let Some((&byte, after)) = rest.split_first() else {
                return odd("its pack has a change that is cut short");
            };
            *rest = after;
            number |= usize::from(byte) << (8 * at);
        }
    }
    Ok(number)
}

fn put_copy(delta: &mut Vec<u8>, mut start: usize, mut length: usize) {
    while length > 0 {
        let piece = length.min(LONGEST_COPY);
        let place = delta.len();
        let mut code = 0x80;
        delta.push(code);
        for (number, bytes, first) in [(start, 4, 0), (piece, 3, 4)] {
            for at in 0..bytes {
                let byte = low(number >> (8 * at));
                if byte != 0 {
                    code |= 1 << (first + at);
                    delta.push(byte);
                }
            }
        }
        delta[place] = code;
        start += piece;
        length -= piece;
    }
}

/// The lowest byte of a number.
fn low(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_change_makes_of_the_old_the_new_and_is_short() {
        let long: Vec<u8> = (0..70_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut changed = long.clone();
        changed.splice(150_000..150_003, *b"something longer");
        let vast = vec![7; LONGEST_COPY + 70_000];
        for (old, new, most) in [
            (&b"tag: v1\n"[..], &b"tag: v2\n"[..], 10),
            (b"", b"new", 6),
            (b"old", b"", 2),
            (b"", b"", 2),
            (b"same", b"same", 5),
            (b"aaaa", b"aaa", 5),
            (b"aaa", b"aaaa", 9),
            (&long, &changed, 40),
            (&vast, &vast, 30),
        ] {
            let delta = between(old, new);
            assert_eq!(apply(old, &delta, new.len()).unwrap(), new);
            assert!(delta.len() <= most, "{}", delta.len());
        }
        let inserted = between(b"", &long[..1000]);
        assert_eq!(apply(b"", &inserted, 1000).unwrap(), &long[..1000]);
    }

    #[test]
    fn a_change_that_lies_is_refused() {
        for (delta, why) in [
            (&b""[..], "without a length"),
            (&[0xff; 12], "without a length"),
            (&[3, 1, 1, b'x'], "does not fit"),
            (&[4, 101, 0x90, 4], "does not fit"),
            (&[4, 100, 0x90, 4], "does not fit"),
            (&[4, 4, 0x90, 5], "makes no sense"),
            (&[4, 4, 0x91, 1, 4], "makes no sense"),
            (&[4, 4, 0x9f, 255, 255, 255, 255, 4], "makes no sense"),
            (&[4, 4, 0x91], "cut short"),
            (&[4, 4, 5, b'x'], "makes no sense"),
            (&[4, 4, 0], "makes no sense"),
            // A bomb: four bytes, again and again.
            (&[4, 8, 0x90, 4, 0x90, 4, 0x90, 4], "makes no sense"),
        ] {
            let Err(Trouble::Odd(told)) = apply(b"abcd", delta, 100) else {
                panic!("{delta:?}")
            };
            assert!(told.contains(why), "{delta:?}: {told}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_change_grows_beyond_its_bound(
            base in vec(any::<u8>(), 0..300),
            pieces in vec(vec(any::<u8>(), 1..60), 0..8),
            odd in vec(any::<u8>(), 0..4),
            most in 0_usize..400,
        ) {
            let mut delta = Vec::new();
            put_size(&mut delta, base.len());
            put_size(&mut delta, pieces.iter().map(Vec::len).sum());
            for piece in &pieces {
                delta.push(low(piece.len()));
                delta.extend_from_slice(piece);
            }
            // Now and then something follows that is no instruction, or one too many.
            delta.extend(odd);
            if let Ok(made) = apply(&base, &delta, most) {
                prop_assert!(made.len() <= most);
            }
        }

        #[test]
        fn what_is_told_of_two_texts_makes_the_second_of_the_first(
            start in vec(any::<u8>(), 0..200),
            between_them in any::<[Vec<u8>; 2]>(),
            end in vec(any::<u8>(), 0..200),
        ) {
            let [old, new] = between_them.map(|middle| [&start[..], &middle, &end].concat());
            prop_assert_eq!(apply(&old, &between(&old, &new), new.len()).unwrap(), new);
        }
    }
}
