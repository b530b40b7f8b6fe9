//! Renders the screens for adding an account: the offer, and the six digits.

use countersign::{Offer, Timestamp};

use super::layout::{field, frame, quoted, wrap};
use crate::times;

/// Renders an offer.
#[must_use]
pub fn offer(offer: &Offer) -> String {
    who(offer.host(), offer.user_name(), offer.organization(), offer.already_here())
}

fn who(host: &str, user_name: &str, organization: &str, already_here: bool) -> String {
    let mut text = wrap("This sign-in service asks to be added:");
    text.push('\n');
    text.push_str(&frame(host));
    text.push_str(&field("It says", &format!("organization {}", quoted(organization))));
    text.push_str(&field("", &format!("account {}", quoted(user_name))));
    text.push('\n');
    text.push_str(&wrap(if already_here {
        "This account is on this phone already. Adding it again replaces it."
    } else {
        "Add it only if this is the address in your browser."
    }));
    text
}

/// Renders the six digits that the person types into the page where they started.
#[must_use]
pub fn digits(host: &str, digits: &str, until: Timestamp, now: Timestamp) -> String {
    let mut text = wrap("Type these digits only into the page where you started:");
    text.push('\n');
    text.push_str(&frame(&spaced(digits)));
    text.push_str(&field("For", host));
    text.push_str(&field("Time left", &times::left(until.since(now))));
    text
}

/// Separates the digits by spaces, in two groups.
fn spaced(digits: &str) -> String {
    let characters: Vec<char> = digits.chars().collect();
    let groups = characters.chunks(3).map(|group| {
        let shown: Vec<String> = group.iter().map(char::to_string).collect();
        shown.join(" ")
    });
    groups.collect::<Vec<_>>().join("   ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offer_shows_the_host_first_and_quotes_claims() {
        let expected = "  This sign-in service asks to be added:

  ┌──────────────────────┐
  │  signin.example.com  │
  └──────────────────────┘
  It says      organization “Example Works”
               account “ada”

  Add it only if this is the address in your browser.
";
        assert_eq!(who("signin.example.com", "ada", "Example Works", false), expected);
    }

    #[test]
    fn offer_of_an_existing_account_is_marked() {
        let text = who("signin.example.com", "ada", "Example Works", true);
        assert!(text.contains("on this phone already"), "{text}");
    }

    #[test]
    fn digits_screen_shows_host_and_time_left() {
        let expected = "  Type these digits only into the page where you started:

  ┌─────────────────┐
  │  0 4 2   9 1 7  │
  └─────────────────┘
  For          signin.example.com
  Time left    9 minutes 30 seconds
";
        assert_eq!(digits("signin.example.com", "042917", Timestamp(1_600), Timestamp(1_030)), expected);
    }
}
