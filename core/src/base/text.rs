//! Removes control, invisible and direction characters from texts that come from outside the core.

/// Returns the text without control, invisible and direction characters.
///
/// # Security
/// With these characters a service or an attacker could hide or reverse a part of a text, or make one name look like
/// another.
pub(crate) fn without_controls(text: &str) -> String {
    let invisible = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars().filter(|character| !invisible(*character)).collect()
}
