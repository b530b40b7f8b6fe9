//! Digits that a person types. A keyboard may type the digits of another script, for example Arabic or Persian ones.

/// The zero of each script with decimal digits (Unicode 14, category Nd). The digits of a script follow each other.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Returns the typed digits in ASCII, without spaces.
#[must_use]
pub fn typed(text: &str) -> String {
    let characters = text.chars().filter(|character| !character.is_whitespace());
    characters.map(|character| digit(character).unwrap_or(character)).collect()
}

fn digit(character: char) -> Option<char> {
    let value = |zero: &u32| u32::from(character).checked_sub(*zero).filter(|value| *value < 10);
    char::from_digit(ZEROS.iter().find_map(value)?, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_digits_of_every_script_become_ascii() {
        for zero in ZEROS {
            let digits: String = (zero..zero + 10).filter_map(char::from_u32).collect();
            assert_eq!(typed(&digits), "0123456789", "{zero:x}");
        }
        assert_eq!(typed(" \u{664}\u{667}3 81\u{ff12}"), "473812");
        assert_eq!(typed("\u{b2}\u{2460}a-1"), "\u{b2}\u{2460}a-1");
    }
}
