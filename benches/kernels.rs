//! How fast each kernel is by itself, in each form that this machine runs, beside a library and a plain read.
//!
//!     cargo bench --bench kernels              the table; BREVDUE_BENCH_QUICK=1 or -- --quick for one of some seconds
//!     cargo bench --bench kernels -- --test    each once
//!
//! The bytes lie in the second cache and come in the pieces in which a door feeds; what they give goes to a sheet of the
//! size that the decoders use, over and over. All take turns; of each the best turn counts.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, stops when it cannot go on, and rounds"
)]

mod made;

use std::hint::black_box;
use std::time::{Duration, Instant};

use brevdue::kernel::{Decode, Kernels, Starts};
use made::{base64, csv, html, prose, quoted};

/// The pieces in which a door feeds, and the sheet for what they give.
const CHUNK: usize = 64 * 1024;
const SHEET: usize = 6 * 1024;
const BYTES: usize = 256 * 1024;

/// One way over the bytes, and its name; what it gives is what keeps the compiler from leaving it out.
type Way = (&'static str, Box<dyn Fn(&[u8]) -> usize>);

struct Piece {
    name: &'static str,
    bytes: Vec<u8>,
    ways: Vec<Way>,
}

fn main() {
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    let quick = has("--quick") || std::env::var_os("BREVDUE_BENCH_QUICK").is_some();
    let budget = Duration::from_millis(match (has("--test"), quick) {
        (true, _) => 0,
        (_, true) => 300,
        _ => 2000,
    });
    println!("GB/s of what goes in, best turn");
    for piece in pieces() {
        let mut best = vec![Duration::MAX; piece.ways.len()];
        let end = Instant::now() + budget;
        loop {
            for ((_, way), best) in piece.ways.iter().zip(&mut best) {
                let start = Instant::now();
                black_box(way(black_box(&piece.bytes)));
                *best = start.elapsed().min(*best);
            }
            if Instant::now() >= end {
                break;
            }
        }
        print!("{:<28}", piece.name);
        for ((name, _), time) in piece.ways.iter().zip(best) {
            print!(" {name} {:>6.2}", piece.bytes.len() as f64 / time.as_secs_f64() / 1e9);
        }
        println!();
    }
}

fn pieces() -> Vec<Piece> {
    let letters = |line: usize, end: &str| {
        let mut lines = Vec::new();
        base64(prose(BYTES, 1).as_bytes(), &mut lines);
        lines.retain(|byte| !b"\r\n=".contains(byte));
        lines.chunks_exact(line).flat_map(|line| [line, end.as_bytes()]).flatten().copied().collect()
    };
    let escaped = |text: &str| {
        let mut lines = Vec::new();
        quoted(text.as_bytes(), &mut lines);
        lines
    };
    let plain = "En linje uden noget, der skal skrives om, og som er kort nok.\r\n".repeat(BYTES / 64);
    let of_base64 =
        |name, bytes| piece(name, bytes, |kernels| kernels.base64, ("data-encoding", Box::new(mime)));
    let of_quoted =
        |name, bytes| piece(name, bytes, |kernels| kernels.quoted, ("quoted_printable", Box::new(robust)));
    vec![
        of_starts("starts, Danish text", prose(BYTES, 1)),
        of_starts("starts, CSV", csv(BYTES, false, 1)),
        of_starts("starts, HTML", html(BYTES, 1)),
        of_base64("base64, 76 and CRLF", letters(76, "\r\n")),
        of_base64("base64, 64 and LF", letters(64, "\n")),
        of_base64("base64, nothing but CRLF", "\r\n".repeat(BYTES / 2).into_bytes()),
        of_quoted("quoted, Danish", escaped(&prose(BYTES, 1))),
        of_quoted("quoted, HTML", escaped(&html(BYTES, 2))),
        of_quoted("quoted, no escape", plain.into_bytes()),
        of_quoted("quoted, nothing but escapes", "=C3=A6".repeat(BYTES / 6).into_bytes()),
    ]
}

/// Where digits stand that are worth a look, beside an expression for six digits and four.
fn of_starts(name: &'static str, text: String) -> Piece {
    let mut ways: Vec<Way> = vec![];
    for kernels in Kernels::all() {
        let starts = kernels.starts;
        let way = move |bytes: &[u8]| {
            let bases = (0..bytes.len()).step_by(Starts::REACH);
            bases.map(|base| starts(bytes, base).places().count()).sum()
        };
        ways.push((kernels.name, Box::new(way)));
    }
    let digits = regex::bytes::Regex::new(r"(?-u:\b)[0-9]{6}[- ]?[0-9]{4}(?-u:\b)").ok();
    let way = move |bytes: &[u8]| digits.as_ref().map_or(0, |digits| digits.find_iter(bytes).count());
    ways.push(("regex", Box::new(way)));
    ways.push(("read", Box::new(read)));
    Piece { name, bytes: text.into_bytes(), ways }
}

fn piece(name: &'static str, bytes: Vec<u8>, pick: fn(&Kernels) -> Decode, library: Way) -> Piece {
    let mut ways: Vec<Way> = vec![];
    for kernels in Kernels::all() {
        let decode = pick(kernels);
        ways.push((
            kernels.name,
            Box::new(move |bytes| bytes.chunks(CHUNK).map(|chunk| all(decode, chunk)).sum()),
        ));
    }
    ways.push(library);
    ways.push(("read", Box::new(read)));
    Piece { name, bytes, ways }
}

/// Decodes by one sheet after another; a byte that the kernel leaves to a careful reader is left out.
fn all(decode: Decode, mut bytes: &[u8]) -> usize {
    let mut sheet = [0; SHEET];
    let mut sum = 0;
    while !bytes.is_empty() {
        let (used, made) = decode(bytes, &mut sheet);
        sum += made;
        bytes = bytes.get(used.max(1)..).unwrap_or_default();
    }
    sum
}

fn mime(bytes: &[u8]) -> usize {
    data_encoding::BASE64_MIME_PERMISSIVE.decode(bytes).map_or(0, |made| made.len())
}

fn robust(bytes: &[u8]) -> usize {
    quoted_printable::decode(bytes, quoted_printable::ParseMode::Robust).map_or(0, |made| made.len())
}

/// Reads every byte and does nothing with it.
fn read(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().fold(rest.len(), |sum, word| sum.wrapping_add(usize::from_le_bytes(*word)))
}
