//! What counts as one emoji.

/// Characters of the longest sequences: families, and flags of regions.
pub(super) const CHARACTERS_MAX: usize = 16;
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';

/// Whether the text is one emoji: a symbol with what modifies it, several that are joined into one, a flag, or a key. As
/// near to Unicode's rules as can be without its tables, which change every year: a new emoji is one here at once.
pub(super) fn is_one_emoji(text: &str) -> bool {
    if text.chars().count() > CHARACTERS_MAX {
        return false;
    }
    let (mut symbols, mut indicators) = (0, 0);
    let mut is_joined = false;
    for (index, character) in text.chars().enumerate() {
        match character {
            JOINER
            | '\u{fe0f}'
            | KEYCAP
            | '\u{1f3fb}'..='\u{1f3ff}'
            | '\u{e0020}'..='\u{e007f}' => {
                // Nothing to modify.
                if index == 0 {
                    return false;
                }
            }
            // Two of these letters make a flag.
            '\u{1f1e6}'..='\u{1f1ff}' => indicators += 1,
            '0'..='9' | '#' | '*' if text.ends_with(KEYCAP) => symbols += 1,
            _ if is_symbol(character) => symbols += i32::from(!is_joined),
            _ => return false,
        }
        is_joined = character == JOINER;
    }
    !is_joined && matches!((symbols, indicators), (1, 0) | (0, 2))
}

fn is_symbol(character: char) -> bool {
    match character {
        '©' | '®' | 'ℹ' | 'Ⓜ' | '\u{1f100}'..='\u{1faff}' => true,
        _ => {
            ('\u{203c}'..='\u{3299}').contains(&character)
                && !character.is_alphanumeric()
                && !character.is_whitespace()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_however_many_characters_it_takes() {
        for text in [
            "👍",
            "👍🏽",
            "❤️",
            "❤",
            "👩‍👩‍👧",
            "🏳️‍🌈",
            "🇨🇭",
            "1️⃣",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "㊗️",
            "ℹ️",
            "🅰",
            "⌚",
            "™",
        ] {
            assert!(is_one_emoji(text), "{text}");
        }
        for text in [
            "",
            "a",
            "ok",
            "1",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "中",
            "é",
            "🇨",
            "🇨🇭🇨🇭",
            "\u{200d}",
            "👍\u{200d}",
            "\u{fe0f}",
            "<b>",
            "👍\n",
        ] {
            assert!(!is_one_emoji(text), "{text}");
        }
        assert!(!is_one_emoji(&"👩\u{200d}".repeat(20)));
    }
}
