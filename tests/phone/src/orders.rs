//! Parses a line that the person types while the program waits for requests.

/// An order from the person, or from a program on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Approve the request that is shown, with this number.
    Number(String),
    /// Deny the request that is shown.
    Deny,
    /// Report ("It wasn't me") the request that is shown; if no request is shown, the one that was answered last.
    Report,
    /// Approve the named request with a number.
    ApproveNamed(String, String),
    /// Deny the named request.
    DenyNamed(String),
    /// Report ("It wasn't me") the named request.
    ReportNamed(String),
    /// Mute the account of the request that is shown, for an hour.
    Mute,
    /// Mute the named account, for an hour.
    MuteNamed(String),
    /// Unmute the named account.
    UnmuteNamed(String),
    /// Check for requests.
    Check,
    /// Stop watching.
    Quit,
    /// An empty line; never an approval.
    Nothing,
    /// Any other line.
    Unknown,
}

/// Reads one line.
#[must_use]
pub fn read(line: &str) -> Order {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match words.as_slice() {
        [] => Order::Nothing,
        ["d" | "deny"] => Order::Deny,
        ["r" | "report"] => Order::Report,
        ["m" | "mute"] => Order::Mute,
        ["mute", account] => Order::MuteNamed((*account).to_owned()),
        ["unmute", account] => Order::UnmuteNamed((*account).to_owned()),
        ["c" | "check"] => Order::Check,
        ["q" | "quit"] => Order::Quit,
        ["approve", id, number] => Order::ApproveNamed((*id).to_owned(), (*number).to_owned()),
        ["deny", id] => Order::DenyNamed((*id).to_owned()),
        ["report", id] => Order::ReportNamed((*id).to_owned()),
        [number] if number.chars().all(char::is_numeric) => Order::Number((*number).to_owned()),
        _ => Order::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_is_read() {
        assert_eq!(read(" 47 \n"), Order::Number("47".to_owned()));
        assert_eq!(read("d"), Order::Deny);
        assert_eq!(read("r"), Order::Report);
        assert_eq!(read("m"), Order::Mute);
        assert_eq!(read("mute ada"), Order::MuteNamed("ada".to_owned()));
        assert_eq!(read("unmute ada"), Order::UnmuteNamed("ada".to_owned()));
        assert_eq!(read("c"), Order::Check);
        assert_eq!(read("q"), Order::Quit);
        assert_eq!(read("approve abcdef 47"), Order::ApproveNamed("abcdef".to_owned(), "47".to_owned()));
        assert_eq!(read("deny abcdef"), Order::DenyNamed("abcdef".to_owned()));
        assert_eq!(read("report abcdef"), Order::ReportNamed("abcdef".to_owned()));
    }

    #[test]
    fn empty_line_is_not_an_answer() {
        assert_eq!(read(""), Order::Nothing);
        assert_eq!(read(" \t\r\n"), Order::Nothing);
    }

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(read("٤٧"), Order::Number("٤٧".to_owned()));
        for line in ["y", "yes", "approve", "approve abcdef", "4 7", "-47", "+47", "4.7", "D47"] {
            assert_eq!(read(line), Order::Unknown, "{line}");
        }
    }
}
