//! One name for a request in every log line, every program and the answer's header.

use std::fmt;

/// The value of `X-Request-ID`: taken from the caller when it is well-formed, else made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The header that carries it in both directions.
    pub const HEADER: &'static str = "x-request-id";
    const BYTES_MAX: usize = 64;

    /// A fresh one.
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The caller's, if it is safe to put into logs and headers; else a fresh one.
    pub fn from_caller(text: Option<&str>) -> Self {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match text {
            Some(text) if (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(safe) => {
                Self(text.to_owned())
            }
            _ => Self::random(),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_names_are_taken_over() {
        assert_eq!(
            RequestId::from_caller(Some("abc-1.2_3")).as_str(),
            "abc-1.2_3"
        );
        for text in ["", "a b", "a\nb", "<x>", &"x".repeat(65)] {
            assert_eq!(
                RequestId::from_caller(Some(text)).as_str().len(),
                32,
                "{text:?}"
            );
        }
    }
}
