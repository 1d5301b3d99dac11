//! Text that comes in pieces: a client that sends what cannot become text hears of it at once, not at the end.

use super::Violation;

/// The longest start of a character that is not yet a character, in bytes.
const BEGUN_BYTES_MAX: usize = 3;

/// What was seen of a text.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// A character that was cut.
    begun: [u8; BEGUN_BYTES_MAX],
    begun_bytes: usize,
}

impl Utf8 {
    /// Checks the next bytes of the text. What was begun may still be completed.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while self.begun_bytes > 0 {
            let Some((next, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.complete(*next)?;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            if error.error_len().is_some() {
                return Err(Violation::Utf8);
            }
            self.begin(&bytes[error.valid_up_to()..]);
        }
        Ok(())
    }

    fn complete(&mut self, next: u8) -> Result<(), Violation> {
        let mut character = [0; BEGUN_BYTES_MAX + 1];
        character[..self.begun_bytes].copy_from_slice(&self.begun[..self.begun_bytes]);
        character[self.begun_bytes] = next;
        let character = &character[..=self.begun_bytes];
        match std::str::from_utf8(character) {
            Ok(_) => self.begun_bytes = 0,
            Err(error) if error.error_len().is_some() => return Err(Violation::Utf8),
            Err(_) => self.begin(character),
        }
        Ok(())
    }

    fn begin(&mut self, character: &[u8]) {
        self.begun[..character.len()].copy_from_slice(character);
        self.begun_bytes = character.len();
    }
}
