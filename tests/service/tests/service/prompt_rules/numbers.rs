//! Which number is shown, and among which.

use super::*;

/// Always the given index, so that a test can walk through every draw.
fn drawing(index: u32) -> impl FnMut(u32) -> Result<u32, Infallible> {
    move |below| Ok(index.min(below - 1))
}

#[test]
fn numbers_are_all_of_ten_to_ninety_nine() {
    let drawn: BTreeSet<String> = (0..90).map(|index| numbers(false, &[], NOW, drawing(index)).unwrap().0).collect();
    let expected: BTreeSet<String> = (10..100).map(|number: u32| number.to_string()).collect();
    assert_eq!(drawn, expected);
    assert_eq!(numbers(false, &[], NOW, drawing(0)).unwrap().1, Match::Enter { digits: 2 });
}

#[test]
fn a_number_rests_ten_minutes_with_its_options() {
    let options = ["10", "11", "12"].map(str::to_owned);
    let chosen = |ago| Ceremony {
        number: "11".to_owned(),
        r#match: Match::Choose { options: options.clone() },
        ..decided(Origin::KnownBrowser, ago, Outcome::Approved)
    };
    let entered = Ceremony { number: "13".to_owned(), ..past(Origin::SignedIn, 20) };
    let history = [chosen(10 * MINUTE - 1), entered];
    for index in 0..90 {
        let (number, _) = numbers(false, &history, NOW, drawing(index)).unwrap();
        assert!(number.parse::<u32>().unwrap() >= 14, "{number}");
    }
    assert_eq!(numbers(false, &[chosen(10 * MINUTE)], NOW, drawing(0)).unwrap().0, "10");
}

#[test]
fn three_options_hold_the_right_one_at_any_place() {
    let mut places = BTreeSet::new();
    for place in 0..3 {
        let (number, matching) = numbers(true, &[], NOW, drawing(place)).unwrap();
        let Match::Choose { options } = matching else { unreachable!("choosing was asked for") };
        assert_eq!(options.iter().collect::<BTreeSet<_>>().len(), 3);
        places.insert(options.iter().position(|option| *option == number).unwrap());
    }
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_randomness_there_is_no_number() {
    assert_eq!(numbers(true, &[], NOW, |_below| Err("none")).err(), Some("none"));
    let out_of_range = numbers(false, &[], NOW, Ok::<_, Infallible>).unwrap();
    assert_eq!(out_of_range.0, "", "none that anybody could match");
}
