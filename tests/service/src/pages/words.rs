//! The texts of all pages: short, active, in the second person. The comment of each function describes its page, or
//! says when the page is shown.

mod admin;
mod changes;
mod methods;
mod parts;
mod phone;
mod refusals;
mod secrets;
mod sign_in;
mod wizard;

pub use admin::{
    NOT_DONE, act_done, act_not_done, api_token_made, api_tokens, groups, no_administrator, people, person,
    person_added, policy,
};
pub use changes::{
    GivenByPhone, LOST, LossForm, UPDATE_APP, WRONG_PHONE_DIGITS, add_phone, change_number, lost_since, no_phone_for,
    not_changed, not_offered, not_offered_to_phone, other_persons_phone, pass_needed, register_phone,
    stale_registration, too_many_digits,
};
pub use methods::{REMOVED, security_info, step_up_needed};
pub use parts::not_approved;
pub use phone::{name_account, name_tried_too_often, phone_not_started, unproven_number, unproven_over};
pub use refusals::{
    bad_request, cookies_needed, foreign_form, form_too_large, not_found, stale_form, too_many, unavailable,
};
pub use secrets::{WRONG_PASSWORD, made_pass, new_password, pass, password, wrong_pass};
pub use sign_in::{
    home, leaving, more_information, not_started, other_tab, sign_in_number, sign_in_over, signed_out, user_name,
};
pub use wizard::{
    wizard_code, wizard_confirm, wizard_digits, wizard_done, wizard_install, wizard_not_confirmed, wizard_over,
    wrong_digits,
};
