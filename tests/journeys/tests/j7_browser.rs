//! J2 and J7 through a real browser, with a stock relying party as the web application.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use countersign_journeys::{browser, relying_party, walk};

#[tokio::test(flavor = "multi_thread")]
async fn j2_j7_from_the_picture_of_the_page_to_signed_in_at_a_stock_relying_party() {
    for (part, reason) in [("browser", browser::missing()), ("relying party", relying_party::missing())] {
        if let Some(reason) = reason {
            countersign_journeys::skipped(part, &reason);
            return;
        }
    }
    let claims = walk::whole_journey(&mut |_step, _picture| Ok(())).await.unwrap();
    let claim = |name: &str| claims.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(claim("preferred_username"), "ada@example.org");
    assert_eq!(claim("aud"), "payroll");
    assert!(claim("iss").starts_with("https://localhost:"));
    assert!(claim("amr").contains("pwd") && claim("amr").contains("mfa") && claim("amr").contains("pop"));
    assert_eq!(claim("acr"), "mfa");
    assert!(!claim("nonce").is_empty());
}
