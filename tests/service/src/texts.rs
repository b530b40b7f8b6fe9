//! Texts that somebody else has chosen and people see on a page.

/// Longest, in characters.
const MAX: usize = 128;

/// Whether a text may stand on a page: bounded, and without characters that move, hide or reverse what stands around
/// them. A name is refused and not cleaned: whoever sends one like that means to be taken for another.
#[must_use]
pub fn is_shown(text: &str) -> bool {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars().count() <= MAX
        // GUARD(phone-name-shown): fuzz::pushed
        && !text.chars().any(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_moves_or_reverses_a_text() {
        for good in ["", "Ada's phone", "Téléphone d’Ada", "电话", "هاتف", &"é".repeat(128)] {
            assert!(is_shown(good), "{good}");
        }
        for bad in
            ["\n", "a\u{7f}", "\u{202e}enohP", "a\u{200b}", "\u{2066}a", "\u{e0041}", "\u{feff}", &"é".repeat(129)]
        {
            assert!(!is_shown(bad), "{bad:?}");
        }
    }
}
