//! What is attached to a post: a URL with what the author's client says about it. Nobody here fetches it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::http::json::Wrong;

/// Attachments of a post at most.
pub const ATTACHMENTS_MAX: usize = 10;
const URL_LENGTH_MAX: usize = 2000;
const NAME_LENGTH_MAX: usize = 200;
const MEDIA_TYPE_LENGTH_MAX: usize = 100;

/// Something on the web that belongs to a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Where it is: `https://` or `http://`.
    #[schemars(length(min = 1, max = URL_LENGTH_MAX), regex(pattern = "^https?://"), example = &"https://example.com/river.jpg")]
    pub url: String,
    /// Such as `image/png`, so that a client knows how to show it before it has it.
    #[schemars(length(min = 1, max = MEDIA_TYPE_LENGTH_MAX), example = &"image/jpeg")]
    pub media_type: Option<String>,
    /// What people call it.
    #[schemars(length(max = NAME_LENGTH_MAX), example = &"The river")]
    pub name: Option<String>,
}

/// Says what is wrong with a list of them.
pub fn check_attachments(attachments: &[Attachment], wrong: &mut Wrong) {
    if attachments.len() > ATTACHMENTS_MAX {
        wrong.field(
            "attachments",
            "too_many",
            format!("at most {ATTACHMENTS_MAX}"),
        );
    }
    for (index, attachment) in attachments.iter().take(ATTACHMENTS_MAX).enumerate() {
        attachment.check(&format!("attachments.{index}"), wrong);
    }
}

impl Attachment {
    fn check(&self, path: &str, wrong: &mut Wrong) {
        let url = format!("{path}.url");
        wrong.unless_length(&url, &self.url, 1..=URL_LENGTH_MAX);
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            wrong.field(&url, "invalid_url", "a URL with https:// or http://");
        }
        if let Some(media_type) = &self.media_type {
            let field = format!("{path}.media_type");
            wrong.unless_length(&field, media_type, 1..=MEDIA_TYPE_LENGTH_MAX);
        }
        if let Some(name) = &self.name {
            wrong.unless_length(&format!("{path}.name"), name, 0..=NAME_LENGTH_MAX);
        }
    }
}
