//! Checks texts, such as names, that a person or a phone chooses and that a page shows to other people.

/// The longest text, in characters.
const MAX: usize = 128;

/// Returns whether a page may show a text. Returns false if the text is too long, or contains characters that move,
/// hide or reverse the text around them. The service refuses the text instead of removing these characters, because the
/// sender of the text probably wants to be mistaken for another person.
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
    fn texts_too_long_or_with_hidden_characters_are_refused() {
        for allowed in ["", "Ada's phone", "Téléphone d’Ada", "电话", "هاتف", &"é".repeat(128)] {
            assert!(is_shown(allowed), "refused {allowed:?}");
        }
        for refused in
            ["\n", "a\u{7f}", "\u{202e}enohP", "a\u{200b}", "\u{2066}a", "\u{e0041}", "\u{feff}", &"é".repeat(129)]
        {
            assert!(!is_shown(refused), "accepted {refused:?}");
        }
    }
}
