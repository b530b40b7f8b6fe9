//! Steps that many journeys begin with.
#![allow(dead_code, reason = "each test file uses some of them")]

use countersign::{CodeInput, Outcome, Step};
use countersign_journeys::{PageView, Person, TestPhone, World};

/// The text of the code on the wizard's page: the picture is drawn large and read by the phone's own reader.
pub(crate) fn scanned(page: &PageView) -> String {
    countersign_journeys::qr::text_of_svg(&page.qr_svg().unwrap()).unwrap()
}

/// Adds the phone with the code on the wizard's page, up to the page after the digits.
pub(crate) async fn added(person: &Person, phone: &TestPhone, page: &PageView) -> PageView {
    let (ticket, digits) = phone.accept(CodeInput::Text(scanned(page))).await.unwrap();
    let page = person.turned("/security-info/add/code", "code").await.unwrap();
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await.unwrap();
    phone.activated(ticket).await.unwrap();
    page
}

/// Adds the phone and answers the confirmation that comes by push.
pub(crate) async fn confirmed(_world: &World, person: &Person, phone: &TestPhone) -> PageView {
    let page = person.wizard().await.unwrap();
    let page = added(person, phone, &page).await;
    let prompt = phone.prompt().await.unwrap();
    countersign_journeys::a_moment().await;
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done(Outcome::Approved));
    let page = person.open("/security-info/add/code").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap()
}
