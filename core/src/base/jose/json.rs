//! Parses JSON objects, and requires unique member names.
//!
//! When a name occurs twice, two readers may use different values; an attacker can use that to get a message past a
//! check.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::base::jose::error::JoseError;

/// Parses a JSON object into `T`. Duplicate member names are refused at any depth.
///
/// # Errors
/// `Duplicate` for a repeated name. `Json` for anything else: not an object, trailing text, more than 128 levels of
/// nesting, or members that don't fit `T`.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, JoseError> {
    // Without this check, serde would also accept an array of the members' values in place of an object.
    // GUARD(json-object-phone): arrays_and_numbers_are_not_accepted_as_objects
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(JoseError::Json);
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    Unique.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| {
        if error.to_string().starts_with(DUPLICATE) { JoseError::Duplicate } else { JoseError::Json }
    })?;
    serde_json::from_slice(json).map_err(|_other_shape| JoseError::Json)
}

const DUPLICATE: &str = "duplicate member";

/// Visits a whole value, and fails when an object repeats a member name.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _value: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            // GUARD(json-member-twice): fuzz::json
            // INSTEAD: if !names.insert(name) && false {
            if !names.insert(name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            map.next_value_seed(Unique)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn duplicate_member_names_are_refused_at_any_depth() {
        assert!(parse::<Value>(br#"{"a":1,"b":[{"a":1}]}"#).is_ok());
        for twice in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#, r#"{"b":{"c":{"a":1,"\u0061":2}}}"#] {
            assert_eq!(parse::<Value>(twice.as_bytes()), Err(JoseError::Duplicate), "{twice}");
        }
    }

    #[test]
    fn arrays_and_numbers_are_not_accepted_as_objects() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Said {
            what: String,
        }
        assert_eq!(parse::<Said>(br#" {"what":"yes"}"#), Ok(Said { what: "yes".to_owned() }));
        assert_eq!(parse::<Said>(br#"["yes"]"#), Err(JoseError::Json));
        assert_eq!(parse::<Value>(b"7"), Err(JoseError::Json));
    }

    #[test]
    fn trailing_text_and_deep_nesting_are_refused() {
        assert_eq!(parse::<Value>(b"{} {}"), Err(JoseError::Json));
        assert_eq!(parse::<Value>(b""), Err(JoseError::Json));
        let deep = format!("{{\"a\":{}", "[".repeat(10_000));
        assert_eq!(parse::<Value>(deep.as_bytes()), Err(JoseError::Json));
    }
}
