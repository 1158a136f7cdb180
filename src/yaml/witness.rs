//! The second reading: what `serde_yaml` makes of a text.
//!
//! `serde_yaml` is of libyaml's family, as are the parsers of Helm, Argo CD and kustomize, and shares no code with yaml-rust2.
//! Its reading is a flat list in the order of the text, aliases expanded, pairs in order, duplicate keys kept.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

/// One step of the reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'t> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number that is not negative.
    Unsigned(u128),
    /// A negative whole number.
    Signed(i128),
    /// Any other number, by its bits so that NaN equals itself.
    Float(u64),
    /// A string.
    Text(Cow<'t, str>),
    /// A local tag; what it stands at follows.
    Tag(String),
    /// The begin of a list.
    List,
    /// The begin of a map.
    Map,
    /// The end of a list or a map.
    End,
}

/// Reads all documents of a text, up to a number of items (aliases can make a small text explode).
///
/// # Errors
/// Why `serde_yaml` cannot read it.
pub fn read(text: &str, limit: usize) -> Result<Vec<Item<'_>>, String> {
    let reading = Reading {
        items: RefCell::new(Vec::with_capacity(text.len() / 16)),
        limit: Cell::new(limit),
    };
    // libyaml counts the byte order mark as a column, which go-yaml does not.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    for document in serde_yaml::Deserializer::from_str(body) {
        (&reading)
            .deserialize(document)
            .map_err(|error| error.to_string())?;
    }
    Ok(reading.items.into_inner())
}

/// Returns the index after the value that begins at an index.
pub fn skip(items: &[Item<'_>], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(item) = items.get(at) {
        at += 1;
        match item {
            Item::List | Item::Map => depth += 1,
            Item::End => depth = depth.saturating_sub(1),
            Item::Tag(_) => continue,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

struct Reading<'t> {
    items: RefCell<Vec<Item<'t>>>,
    limit: Cell<usize>,
}

impl<'t> Reading<'t> {
    fn push<E: serde::de::Error>(&self, item: Item<'t>) -> Result<(), E> {
        let left = self.limit.get().checked_sub(1);
        self.limit
            .set(left.ok_or_else(|| E::custom("its aliases expand to too many values"))?);
        self.items.borrow_mut().push(item);
        Ok(())
    }
}

impl<'t> DeserializeSeed<'t> for &Reading<'t> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for &Reading<'t> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.push(Item::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.push(Item::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.push(Item::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.push(Item::Unsigned(value.into()))
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<(), E> {
        self.push(Item::Unsigned(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.push(Item::Signed(value.into()))
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<(), E> {
        self.push(Item::Signed(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.push(Item::Float(value.to_bits()))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'t str) -> Result<(), E> {
        self.push(Item::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.push(Item::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<(), A::Error> {
        self.push(Item::List)?;
        while items.next_element_seed(self)?.is_some() {}
        self.push(Item::End)
    }

    fn visit_map<A: MapAccess<'t>>(self, mut entries: A) -> Result<(), A::Error> {
        self.push(Item::Map)?;
        while entries.next_key_seed(self)?.is_some() {
            entries.next_value_seed(self)?;
        }
        self.push(Item::End)
    }

    fn visit_enum<A: EnumAccess<'t>>(self, tagged: A) -> Result<(), A::Error> {
        let (tag, content) = tagged.variant_seed(std::marker::PhantomData::<String>)?;
        self.push(Item::Tag(tag))?;
        content.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_keeps_order_duplicates_and_tags_and_expands_aliases() {
        let items = read("a: &x [1, ~]\na: !t 'y'\nb: *x\n", 100).unwrap();
        let text = |text: &'static str| Item::Text(text.into());
        let list = [Item::List, Item::Unsigned(1), Item::Null, Item::End];
        let mut expected = vec![Item::Map, text("a")];
        expected.extend(list.clone());
        expected.extend([text("a"), Item::Tag("t".into()), text("y"), text("b")]);
        expected.extend(list);
        expected.push(Item::End);
        assert_eq!(items, expected);
        assert_eq!(skip(&items, 2), 6);
        assert_eq!(skip(&items, 7), 9);
    }

    #[test]
    fn a_text_that_explodes_is_not_read() {
        assert!(
            read("a: &x [1, 2, 3]\nb: [*x, *x, *x, *x]\n", 15)
                .unwrap_err()
                .contains("aliases")
        );
        assert!(read("a: [", 100).is_err());
    }
}
