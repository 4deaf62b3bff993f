//! Bytes at line rate: the loops over every byte of a mail, in the forms that this machine can run.
//!
//! *What it is*: one table of functions, [`Kernels`], chosen once by what the processor says it can
//! ([`Kernels::best`]). Each function has a scalar form that is its meaning, and faster ones for AVX-512, AVX2 and SSE2
//! that must agree with it byte for byte ([`Kernels::all`], for tests). *What it never does*: know what a number or a mail
//! is, allocate, or keep anything from one call to the next. It is the only room with `unsafe`: wide loads and stores,
//! each with its bounds beside it.

mod base64;
mod quoted;
mod starts;
#[cfg(test)]
mod tests;
mod word;

pub use quoted::hex;
pub use starts::Starts;

use std::sync::LazyLock;

/// Decodes from the start of some bytes into room for what they give, as far as they are written as an encoder writes
/// them and there is room. Gives the bytes used and the bytes made; beyond those the room may have been written to.
pub type Decode = fn(&[u8], &mut [u8]) -> (usize, usize);

/// The functions of one kind of processor.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// `avx512`, `avx2`, `sse2` or `scalar`.
    pub name: &'static str,
    /// Where runs of digits begin that are worth a look, among the places from an offset on; bytes before the offset
    /// are seen.
    pub starts: fn(&[u8], usize) -> Starts,
    /// Where a word first stands.
    pub word: fn(&[u8], [u8; 5]) -> Option<usize>,
    /// Base64 letters in whole groups, with line ends between them.
    pub base64: Decode,
    /// Quoted-printable text, escapes and soft breaks.
    pub quoted: Decode,
}

static SCALAR: Kernels = Kernels {
    name: "scalar",
    starts: starts::scalar,
    word: word::scalar,
    base64: base64::decode,
    quoted: quoted::decode,
};

#[cfg(target_arch = "x86_64")]
static SSE2: Kernels = Kernels {
    name: "sse2",
    starts: starts::sse2::starts,
    word: word::scalar,
    base64: base64::decode,
    quoted: quoted::sse2::decode,
};

#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = Kernels {
    name: "avx2",
    starts: starts::avx2::starts,
    word: word::avx2,
    base64: base64::avx2::decode,
    quoted: quoted::avx2::decode,
};

#[cfg(target_arch = "x86_64")]
static AVX512: Kernels = Kernels {
    name: "avx512",
    starts: starts::avx512::starts,
    word: word::avx2,
    base64: base64::avx512::decode,
    quoted: quoted::avx512::decode,
};

impl Kernels {
    /// The fastest that this machine can run; asked of the processor once.
    #[inline]
    pub fn best() -> &'static Self {
        static BEST: LazyLock<&Kernels> = LazyLock::new(|| Kernels::all().next().unwrap_or(&SCALAR));
        &BEST
    }

    /// All that this machine can run, the fastest first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [
            has_avx512().then_some(&AVX512),
            has_avx2().then_some(&AVX2),
            is_x86_feature_detected!("sse2").then_some(&SSE2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<&'static Self>; 0] = [];
        wide.into_iter().flatten().chain([&SCALAR])
    }
}

/// AVX2, with the instructions that find, count and cut bits, which every processor with AVX2 is known to have.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// AVX-512 of the processors that keep their pace with it: those with VBMI2 and later.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
}
