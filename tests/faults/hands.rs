//! The hands of the daemon's clock, which are turned while it runs: libfaketime(1) stands between it and the machine's clock.
//! Only the time of day jumps, as it does on a machine; what measures how long something takes goes on.

use super::mails::Dice;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where Debian has it.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Tells the time to every process that is started with its environment.
#[derive(Clone)]
pub(super) struct Hands {
    library: PathBuf,
    file: PathBuf,
}

impl Hands {
    /// `None` where there is no libfaketime (then no clock jumps, and the table says 0).
    pub(super) fn below(folder: &Path) -> Option<Self> {
        let library = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path().join(LIBRARY));
        let hands =
            Self { library: library.into_iter().find(|path| path.exists())?, file: folder.join("hands") };
        hands.turn(0);
        Some(hands)
    }

    /// What a process must have.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("LD_PRELOAD".into(), self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE".into(), self.file.clone().into()),
            ("FAKETIME_NO_CACHE".into(), "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
            // Files keep the time at which the kernel says that they were written.
            ("NO_FAKE_STAT".into(), "1".into()),
        ]
    }

    /// So many seconds from the machine's clock, from now on.
    pub(super) fn turn(&self, seconds: i64) {
        let aside = self.file.with_extension("new");
        crate::support::put(&aside, format!("{seconds:+}\n").as_bytes()).unwrap();
        #[allow(
            clippy::disallowed_methods,
            reason = "a reader finds the old hands or the new; they need outlive nothing"
        )]
        std::fs::rename(&aside, &self.file).unwrap();
    }

    /// Hours forward or back, or where they should be.
    pub(super) fn jump(&self, dice: &mut Dice) {
        let hours = i64::try_from(dice.within(1, 30)).unwrap();
        self.turn(3_600 * dice.of(&[hours, -hours, 0]));
    }
}
