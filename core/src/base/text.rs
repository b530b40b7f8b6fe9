//! Texts that somebody else has chosen.

/// A service's claim without characters that move, hide or reverse others on a screen.
pub(crate) fn without_controls(text: &str) -> String {
    let invisible = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars().filter(|character| !invisible(*character)).collect()
}
