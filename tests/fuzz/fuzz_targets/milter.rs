//! Whatever an MTA sends, codec and session come to an end; and the door answers the same however the bytes are cut. The
//! first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/house.rs"]
mod house;

use brevdue::intake::milter::{Door, Settings, swallow};
use brevdue::policy::LeakAction;
use std::cell::RefCell;
use std::path::PathBuf;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

struct House {
    runtime: Runtime,
    path: PathBuf,
    _stop: watch::Sender<bool>,
    talks: usize,
}

impl House {
    /// With a register that is empty again.
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let path = house::folder().join("milter.sock");
        let settings = Settings {
            listen: vec![format!("unix:{}", path.display()).parse().unwrap()],
            ..Settings::default()
        };
        let (stop, stopped) = watch::channel(false);
        runtime.block_on(async {
            let door = Door::bind(&settings, house::gate(LeakAction::Hold, None)).unwrap();
            tokio::spawn(door.run(stopped));
        });
        Self { runtime, path, _stop: stop, talks: 0 }
    }
}

thread_local! {
    static HOUSE: RefCell<Option<House>> = const { RefCell::new(None) };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((bytes, pieces)) = cut::cut(input) else { return };
    let swallowed = swallow(bytes);
    HOUSE.with_borrow_mut(|house| {
        if house.as_ref().is_none_or(|house| house.talks > 10_000) {
            drop(house.take());
        }
        let house = house.get_or_insert_with(House::new);
        house.talks += 1;
        let (whole, cut) = house.runtime.block_on(async {
            (house::talk(&house.path, &[bytes]).await, house::talk(&house.path, &pieces).await)
        });
        assert_eq!(cut.escape_ascii().to_string(), whole.escape_ascii().to_string());
        // Replies are frames, and there are no more of them than were owed, but for the word that ends a broken talk.
        let mut replies = 0;
        let mut rest = whole.as_slice();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            assert!(length > 0 && length <= behind.len(), "a reply is whole");
            // A verdict may bring headers and a place in quarantine with it.
            replies += usize::from(!matches!(behind[0], b'h' | b'i' | b'q' | b'p'));
            rest = &behind[length..];
        }
        assert!(rest.is_empty());
        if let Ok(owed) = swallowed {
            // A body chunk where none may be is answered before it is whole.
            assert!(replies == owed || replies == owed + 1, "{replies} replies, {owed} owed");
        }
    });
});
