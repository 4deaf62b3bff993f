//! Bytes at line rate: the loops over every byte of a mail, in the forms that this machine can run.
//!
//! *What it is*: one table of functions, [`Kernels`], chosen once by what the processor says it can
//! ([`Kernels::best`]). Each function has a scalar form that is its meaning, and faster ones for AVX2 and SSE2 that
//! must agree with it byte for byte ([`Kernels::all`], for tests). *What it never does*: know what a number or a mail
//! is, allocate, or keep anything from one call to the next. It is the only room with `unsafe`: wide loads and stores,
//! each with its bounds beside it.

mod starts;

use std::sync::LazyLock;

pub use starts::Starts;

/// The functions of one kind of processor.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// `avx2`, `sse2` or `scalar`.
    pub name: &'static str,
    /// Where runs of digits begin that are worth a look, among the places from an offset on; bytes before the offset
    /// are seen.
    pub starts: fn(&[u8], usize) -> Starts,
}

static SCALAR: Kernels = Kernels { name: "scalar", starts: starts::scalar };

#[cfg(target_arch = "x86_64")]
static SSE2: Kernels = Kernels { name: "sse2", starts: starts::sse2::starts };

#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = Kernels { name: "avx2", starts: starts::avx2::starts };

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
            is_x86_feature_detected!("avx2").then_some(&AVX2),
            is_x86_feature_detected!("sse2").then_some(&SSE2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<&'static Self>; 0] = [];
        wide.into_iter().flatten().chain([&SCALAR])
    }
}
