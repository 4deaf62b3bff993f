//! Mail made to hurt: it is answered, in time that grows with its size and no faster, and the next mail is read as if
//! nothing had been.
//!
//! Time is compared with itself at twice the size, in turns, the best of each, so that a slow machine and a busy one
//! judge alike. The bench of the same shapes (`cargo bench --bench scan -- --hostile`, in `tests/run`) counts their
//! instructions and is stricter. What only costs memory is in `memory.rs`.

#[path = "../benches/made/hostile.rs"]
mod shapes;

use std::time::Duration;

use crate::corpus::scan;
use rustix::time::{ClockId, clock_gettime};
use shapes::{SHAPES, Shape};

/// The pieces in which a door feeds.
const PIECE: usize = 64 * 1024;

/// Twice the bytes may take this many times as long. Linear is 2; quadratic is 4.
const GROWTH: f64 = 2.8;

/// The bytes of each shape in a test without optimisation: what is quadratic shows in small ones too.
const SIZE: usize = 64 * 1024;

/// The processor's time and not the clock's, so that tests beside this one take none of it.
fn time(mail: &[u8]) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let start = now();
    std::hint::black_box(scan(mail.chunks(PIECE)));
    now().saturating_sub(start)
}

#[test]
fn time_grows_with_size_and_no_faster() {
    let mut wrong = Vec::new();
    for Shape { name, make, .. } in SHAPES {
        let (once, twice) = (make(SIZE), make(2 * SIZE));
        let mut best = [Duration::MAX; 2];
        let mut growth = f64::MAX;
        // A neighbour on the machine may disturb some turns, hardly all.
        for _ in 0..40 {
            best = [best[0].min(time(&once)), best[1].min(time(&twice))];
            growth = best[1].as_secs_f64() / best[0].as_secs_f64().max(1e-6);
            if growth <= 2.2 {
                break;
            }
        }
        let picoseconds = best[1].as_nanos() * 1000 / twice.len() as u128;
        println!("{name:<35} {growth:>5.2} {picoseconds:>8} ps/byte");
        if growth > GROWTH {
            wrong.push(format!("{name}: {growth:.2} times as long, {:?} and {:?}", best[0], best[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever came before it in the process or, as an earlier part, in the mail.
#[test]
fn the_next_number_is_found_all_the_same() {
    let plain = scan([b"Subject: cpr 150379-1028\r\n\r\nx".as_slice()]);
    for Shape { name, make, .. } in SHAPES {
        let mail = make(SIZE / 2);
        drop(scan(mail.chunks(PIECE)));
        assert_eq!(scan([b"Subject: cpr 150379-1028\r\n\r\nx".as_slice()]), plain, "{name}");
        let mut beside = b"Content-Type: multipart/mixed; boundary=outermost\r\n\r\n--outermost\r\n".to_vec();
        beside.extend_from_slice(&mail);
        beside.extend_from_slice(
            b"\r\n--outermost\r\nContent-Description: cpr 030685-1004\r\n\r\nx\r\n--outermost--\r\n",
        );
        let report = scan(beside.chunks(PIECE));
        let found = report.person_numbers().reveal().any(|number| number == *b"0306851004");
        assert!(found, "{name}: the part after it is not read");
    }
}

/// The sizes at which such mails were met or feared; an answer is all that is asked.
#[test]
fn the_largest_are_answered() {
    let feared = ["parts", "depth", "headers", "boundary lines", "line breaks in base64"];
    let shapes: Vec<_> = SHAPES.iter().filter(|shape| feared.contains(&shape.name)).collect();
    assert_eq!(shapes.len(), feared.len());
    for shape in shapes {
        let mail = (shape.make)(shape.full);
        let report = scan(mail.chunks(PIECE));
        assert!(!report.leaks());
    }
}
