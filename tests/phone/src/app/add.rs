//! Adds an account from a code: shows the offer, then the digits, and waits until the account is active. The module
//! also resumes or abandons an interrupted enrollment.

use std::path::{Path, PathBuf};

use countersign::{CodeInput, EnrollmentEnd, Error, Scanned, Step};

use super::ending::Ending;
use super::input::{Lines, confirmed};
use super::output::Output;
use super::turn_on;
use crate::cli::Add;
use crate::error::PhoneError;
use crate::json;
use crate::phone::Phone;
use crate::render::{self, wrap};

pub(super) async fn add(
    phone: &Phone,
    args: &Add,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let input = code_input(args, output, lines).await?;
    let invite = match phone.authenticator().read_code(input).await? {
        Scanned::Invite(invite) => invite,
        Scanned::Other(other) => return Err(PhoneError::OtherCode(other)),
    };
    let offer = phone.authenticator().look_up(invite).await?;
    output.tell(&format!("\n{}\n", render::offer(&offer)), &json::offer(&offer))?;
    if !args.yes {
        confirmed("Add?", output, lines).await?;
    }
    let step = phone.authenticator().enroll(offer).await?;
    follow(phone, step, output).await
}

/// Continues an interrupted enrollment, or abandons it.
pub(super) async fn resume(
    phone: &Phone,
    abandon: bool,
    output: &mut Output,
    lines: &mut Lines,
) -> Result<Ending, PhoneError> {
    let pending = phone.authenticator().pending_steps().await?;
    let is_enrollment = |step: &Step| {
        matches!(
            step,
            Step::ShowDigits { .. }
                | Step::EnrollmentInterrupted { .. }
                | Step::EnrollmentEnded { .. }
                | Step::OpenBrowser { digits: Some(_), .. }
        )
    };
    let step = pending.into_iter().rfind(is_enrollment).ok_or(PhoneError::NothingToResume)?;
    let (Step::ShowDigits { ticket, .. }
    | Step::EnrollmentInterrupted { ticket, .. }
    | Step::EnrollmentEnded { ticket, .. }
    | Step::OpenBrowser { ticket, .. }) = &step
    else {
        return Err(PhoneError::NothingToResume);
    };
    if abandon {
        phone.authenticator().abandon(ticket.clone()).await?;
        output.tell(
            &wrap("Stopped. Nothing of this enrollment is left on this phone."),
            &serde_json::json!({ "event": "given_up" }),
        )?;
        return Ok(Ending::Done);
    }
    let step = match step {
        Step::EnrollmentInterrupted { ticket, .. } => phone.authenticator().continue_enrollment(ticket).await?,
        other => other,
    };
    match step {
        Step::ShowDigits { .. } | Step::EnrollmentInterrupted { .. } | Step::EnrollmentEnded { .. } => {
            follow(phone, step, output).await
        }
        // This is an enrollment by signing in. `walk` gets no browser, because the browser that an earlier process
        // opened can't return to this process.
        other => turn_on::walk(phone, other, None, true, output, lines).await,
    }
}

async fn follow(phone: &Phone, step: Step, output: &mut Output) -> Result<Ending, PhoneError> {
    match step {
        Step::ShowDigits { ticket, host, digits, until } => {
            let text = render::digits(&host, &digits, until, phone.now());
            output.tell(&format!("\n{text}\n"), &json::digits(&host, &digits, until))?;
            output.text(&wrap("Waiting for you to type the digits…"))?;
            match phone.authenticator().wait_for_activation(ticket).await? {
                EnrollmentEnd::Active { account } => {
                    output.event(&json::account("added", &account))?;
                    output.text(&wrap("The digits are right. The account is on this phone."))?;
                    output.text(&wrap("The page now sends a first request. To answer it: countersign-phone watch"))?;
                    Ok(Ending::Done)
                }
                EnrollmentEnd::Ended { cause } => Err(PhoneError::Ended(cause)),
            }
        }
        Step::EnrollmentEnded { ticket, cause, .. } => {
            phone.authenticator().abandon(ticket).await?;
            Err(PhoneError::Ended(cause))
        }
        Step::EnrollmentInterrupted { .. } => Err(Error::Offline.into()),
        _ => Err(Error::InvalidAnswer.into()),
    }
}

async fn code_input(args: &Add, output: &mut Output, lines: &mut Lines) -> Result<CodeInput, PhoneError> {
    if let Some(path) = &args.picture {
        return picture(path);
    }
    if let (Some(code), Some(address)) = (&args.code, &args.address) {
        return Ok(CodeInput::Typed { code: code.clone(), address: address.clone() });
    }
    match args.text.as_deref() {
        Some("-") => Ok(CodeInput::Text { text: lines.next().await.unwrap_or_default().trim().to_owned() }),
        Some(text) => Ok(CodeInput::Text { text: text.to_owned() }),
        None => ask(output, lines).await,
    }
}

async fn ask(output: &mut Output, lines: &mut Lines) -> Result<CodeInput, PhoneError> {
    output.text(&wrap("Enter the name of a picture file, paste the code's text, or type the code from the page."))?;
    output.text("  Code: ")?;
    let answer = lines.next().await.ok_or(PhoneError::NotConfirmed)?;
    match guess(&answer) {
        Guess::Text(text) => Ok(CodeInput::Text { text }),
        Guess::Picture(path) => picture(&path),
        Guess::Typed(code) => {
            output.text("  Address next to the code: ")?;
            let address = lines.next().await.ok_or(PhoneError::NotConfirmed)?;
            Ok(CodeInput::Typed { code, address: address.trim().to_owned() })
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Guess {
    Text(String),
    Picture(PathBuf),
    Typed(String),
}

/// Guesses whether the line is the text of a code, a picture file or a typed code; the core validates the input.
fn guess(answer: &str) -> Guess {
    let answer = answer.trim();
    let path = Path::new(answer);
    let picture =
        ["png", "jpg", "jpeg"].iter().any(|ending| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending)));
    if answer.contains(':') {
        Guess::Text(answer.to_owned())
    } else if picture || path.is_file() {
        Guess::Picture(path.to_owned())
    } else {
        Guess::Typed(answer.to_owned())
    }
}

fn picture(path: &Path) -> Result<CodeInput, PhoneError> {
    std::fs::read(path).map(|bytes| CodeInput::Picture { bytes }).map_err(|_unreadable| PhoneError::PictureFile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_text_picture_file_and_typed_code_are_distinguished() {
        assert_eq!(guess(" countersign://enroll?v=1 "), Guess::Text("countersign://enroll?v=1".to_owned()));
        assert_eq!(guess("/tmp/screen.PNG"), Guess::Picture(PathBuf::from("/tmp/screen.PNG")));
        assert_eq!(guess("k7q2-0000-0000"), Guess::Typed("k7q2-0000-0000".to_owned()));
    }

    #[test]
    fn missing_picture_file_is_reported() {
        assert!(matches!(picture(Path::new("/nowhere/screen.png")), Err(PhoneError::PictureFile)));
    }
}
