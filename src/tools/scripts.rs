//! The named scripts.
use crate::model::Script;
macro_rules! s { ($($n:ident $w:literal),*) => { $(#[allow(missing_docs)] pub const $n: Script = Script { name: $w, text: "" };)* } }
s!(LOOK_NODE "look-node", LOOK_BRICKS "look-bricks", LOOK_DEVICES "look-devices", LOOK_NAMES "look-names", LOOK_PORTS "look-ports", WRITE_FILE "write-file", REMOVE_FILE "remove-file", WRITE_HOSTS "write-hosts", INSTALL_PACKAGES "install-packages", RELEASE_HOLD "release-hold", MAKE_BRICK "make-brick", FORMAT_DEVICE "format-device", REPLACE_MOUNT "replace-mount", LEASE "lease");
