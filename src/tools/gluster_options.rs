//! placeholder
use crate::kinds::Profile;
/// x
pub fn profile(_p: Profile) -> &'static [(&'static str, &'static str)] {
    &[]
}
