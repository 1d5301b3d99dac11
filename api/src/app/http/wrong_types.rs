//! Every wrong type in a body, though a reader stops at the first that it does not like.
//!
//! Each value that is refused is noted and replaced by something that is not refused, and the body is read again. serde
//! stays the only judge of what fits; nothing else has to know the types.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use shared::wire::FieldError;

/// As many as are told of: each costs a few readings of the body.
const FIELDS_MAX: usize = 16;
/// Words that are tried in one place at most.
const WORDS_MAX: usize = 16;
/// One of every kind, as JSON: some type takes each of them.
const STAND_INS: [&str; 8] = [
    "null",
    "false",
    "1",
    "\"1\"",
    "[]",
    "{}",
    "\"2000-01-01\"",
    "\"2000-01-01T00:00:00Z\"",
];

/// What is wrong, in the order in which it is met.
pub(super) fn find<T: DeserializeOwned>(mut body: Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    while let Err(refused) = read::<T>(&body) {
        let goes_on = found.len() + 1 < FIELDS_MAX
            && !refused.place.is_empty()
            && replace::<T>(&mut body, &refused);
        found.push(refused.into_field_error());
        if !goes_on {
            break;
        }
    }
    found
}

/// Puts something at the place that is not refused there; false where nothing helps.
fn replace<T: DeserializeOwned>(body: &mut Value, refused: &Refused) -> bool {
    let mut words = refused.words();
    for text in STAND_INS {
        let stand_in = serde_json::from_str(text).unwrap_or_default();
        match read_with::<T>(body, &refused.place, stand_in) {
            Some(again) => words.extend(again.words()),
            None => return true,
        }
    }
    // Of a closed list of words: serde names them when it is given another.
    let mut words = words.into_iter().take(WORDS_MAX);
    words.any(|word| read_with::<T>(body, &refused.place, word.into()).is_none())
}

/// How the place refuses this value, if it does.
fn read_with<T: DeserializeOwned>(
    body: &mut Value,
    place: &[Step],
    value: Value,
) -> Option<Refused> {
    if let Some(old) = walk(body, place) {
        *old = value;
    }
    let refused = read::<T>(body).err();
    refused.filter(|refused| refused.place == place)
}

fn walk<'a>(body: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(body, |value, step| match step {
        Step::Index(index) => value.get_mut(index),
        Step::Key(key) => Some(value.as_object_mut()?.entry(key).or_insert(Value::Null)),
    })
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Index(usize),
    Key(String),
}

/// A value that does not fit, or that is missing.
struct Refused {
    place: Vec<Step>,
    is_missing: bool,
    reason: String,
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Refused> {
    serde_path_to_error::deserialize(body)
        .map_err(|error| Refused::new(error.path(), error.inner().to_string()))
}

impl Refused {
    fn new(path: &Path, reason: String) -> Self {
        let mut place: Vec<Step> = path.iter().filter_map(step).collect();
        let missing = reason.strip_prefix("missing field `");
        let missing = missing.map(|rest| rest.trim_end_matches('`').to_owned());
        let is_missing = missing.is_some();
        place.extend(missing.map(Step::Key));
        Self {
            place,
            is_missing,
            reason,
        }
    }

    /// What the reason has in backticks: among them the words that would have been right.
    fn words(&self) -> Vec<String> {
        let words = self.reason.split('`').skip(1).step_by(2);
        words.take(WORDS_MAX).map(str::to_owned).collect()
    }

    fn into_field_error(self) -> FieldError {
        let steps = self.place.iter().map(|step| match step {
            Step::Index(index) => index.to_string(),
            Step::Key(key) => key.clone(),
        });
        let field = steps.collect::<Vec<_>>().join(".");
        let (code, message) = if self.is_missing {
            ("required", "is missing".to_owned())
        } else {
            ("wrong_type", self.reason)
        };
        FieldError {
            field: if field.is_empty() {
                ".".to_owned()
            } else {
                field
            },
            code: code.to_owned(),
            message,
        }
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use shared::ids::UserId;

    use super::*;
    use crate::app::time::Time;

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Item {
        count: u32,
        colour: Colour,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Body {
        text: String,
        to: UserId,
        when: Option<Time>,
        items: Vec<Item>,
        flag: bool,
    }

    fn wrong(body: Value) -> Vec<(String, String)> {
        let found = find::<Body>(body).into_iter();
        found.map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn every_wrong_and_every_missing_value_is_told() {
        let body = json!({
            "text": 1, "to": "x", "when": "soon",
            "items": [{"count": -1, "colour": "green"}, {"count": 1, "colour": "red"}, {"colour": []}],
        });
        let expected = [
            ("items.0.colour", "wrong_type"),
            ("items.0.count", "wrong_type"),
            ("items.2.colour", "wrong_type"),
            ("items.2.count", "required"),
            ("text", "wrong_type"),
            ("to", "wrong_type"),
            ("when", "wrong_type"),
            ("flag", "required"),
        ];
        let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(wrong(body), expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_one_wrong_value_and_no_list_is_endless() {
        assert_eq!(wrong(json!("text")).len(), 1);
        let items: Vec<Value> = (0..1000)
            .map(|_| json!({"count": "x", "colour": 7}))
            .collect();
        assert_eq!(wrong(json!({ "items": items })).len(), FIELDS_MAX);
    }
}
