//! Runs the journeys J1, J2, J4 to J8 and J11 as one scenario in real browsers, with an unmodified relying party as the
//! web application.

use countersign_journeys::{browser, relying_party, walk};

#[tokio::test(flavor = "multi_thread")]
async fn j1_j2_j4_to_j8_j11_whole_scenario_with_an_unmodified_relying_party() {
    for (part, reason) in [("browser", browser::missing()), ("relying party", relying_party::missing())] {
        if let Some(reason) = reason {
            countersign_journeys::skipped(part, &reason);
            return;
        }
    }
    let ways = walk::whole_journey(&mut |_step, _picture| Ok(())).await.unwrap();
    let expected = [
        ("password and number", "mfa", ["pwd", "pop", "mfa"].as_slice()),
        ("phone, number chosen out of three", "phone", &["pop", "user", "mfa"]),
        ("phone, number typed", "phone", &["pop", "user", "mfa"]),
    ];
    assert_eq!(ways.len(), expected.len());
    for (way, (how, acr, amr)) in ways.iter().zip(expected) {
        let claim =
            |name: &str| way.claims.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!((way.how, claim("acr").as_str()), (how, acr));
        assert_eq!(claim("preferred_username"), "ada@example.org");
        assert_eq!(claim("aud"), "payroll");
        assert!(claim("iss").starts_with("https://localhost:"));
        assert!(!claim("nonce").is_empty());
        for name in ["pwd", "pop", "user", "mfa", "otp", "hwk"] {
            assert_eq!(claim("amr").contains(name), amr.contains(&name), "{how}: {} and {name}", claim("amr"));
        }
    }
}
