//! The walls of a worker: no file, no network, no other process, so much memory and time and no more.
//!
//! The order matters: landlock needs a file descriptor, so it comes before the limits, and seccomp comes last, since
//! putting up the others takes system calls. Where the kernel lacks one the worker goes on within what there is and says
//! so, for reading a document in thinner walls is better than passing it unread. Start reading at [`enter`].

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::io;
use std::time::Duration;

/// Which walls stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walls {
    /// Landlock: no file can be opened and no port reached, as far as its version goes.
    pub landlock: bool,
    /// The version of landlock that is in force, [`Walls::NEWEST`] at most; 0 without it.
    pub version: u8,
    /// Limits of memory, time, files and descriptors.
    pub limits: bool,
    /// Seccomp: no system call but those that reading and writing two pipes and having memory take.
    pub seccomp: bool,
}

impl Walls {
    /// The version of landlock that has all that is asked for.
    pub const NEWEST: u8 = 6;

    /// Whether all of them stand, though landlock may be of an older version: what it lacks seccomp forbids too.
    pub fn all(self) -> bool {
        self.landlock && self.limits && self.seccomp
    }

    /// As a byte, for the wire.
    pub(super) fn bits(self) -> u8 {
        u8::from(self.landlock)
            | u8::from(self.limits) << 1
            | u8::from(self.seccomp) << 2
            | self.version.min(Self::NEWEST) << 3
    }

    /// Of a byte.
    pub(super) fn of_bits(bits: u8) -> Self {
        Self { landlock: bits & 1 != 0, limits: bits & 2 != 0, seccomp: bits & 4 != 0, version: bits >> 3 }
    }
}

/// Puts up the walls round this process, which must have one thread.
pub(super) fn enter(memory: u64, time: Duration) -> Walls {
    let version = landlock(&[]).unwrap_or(0);
    Walls {
        landlock: version > 0,
        version,
        limits: limits(memory, time, 3).is_ok(),
        seccomp: seccomp(&[READER], SeccompAction::KillProcess).is_ok(),
    }
}

/// Puts up the walls for a program that is run next: it may read itself, its libraries and its data, and have threads,
/// and start no other process.
pub(super) fn enter_for_program(memory: u64, time: Duration) -> Walls {
    // Refused and not killed for other calls: what a library asks for changes with its version.
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let version = landlock(&PROGRAM_READS).unwrap_or(0);
    Walls {
        landlock: version > 0,
        version,
        limits: limits(memory, time, 64).is_ok(),
        seccomp: no_clone3().and_then(|()| seccomp(&[READER, PROGRAM], refuse)).is_ok(),
    }
}

/// Where programs, libraries and their data lie.
const PROGRAM_READS: [&str; 6] = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"];

/// What is read is allowed, and nothing else; the pipes that are open stay so. The version that is in force.
fn landlock(readable: &[&str]) -> Result<u8, RulesetError> {
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(abi)))?
        .restrict_self()?;
    Ok(match (restricted.ruleset, restricted.landlock) {
        (RulesetStatus::FullyEnforced, _) => Walls::NEWEST,
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            (effective_abi as u8).min(Walls::NEWEST)
        }
        (RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced, _) => 0,
    })
}

fn limits(memory: u64, time: Duration, files: u64) -> io::Result<()> {
    let seconds = time.as_secs().max(1);
    // The hard limit of time kills at once, should the soft one's signal not.
    for (resource, soft, hard) in [
        (Resource::As, memory, memory),
        (Resource::Cpu, seconds, seconds + 1),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
        (Resource::Nofile, files, files),
    ] {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })?;
    }
    Ok(())
}

/// What reading and writing pipes and having memory take.
const READER: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_sched_yield,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What a program takes besides, to be loaded, to read its data and to have threads.
const PROGRAM: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    libc::SYS_faccessat2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_pread64,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_uname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_prlimit64,
    libc::SYS_clone,
    // Here it is allowed; the filter that says that it is not there goes before.
    libc::SYS_clone3,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_getrusage,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_dup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    libc::SYS_pipe2,
];

/// `clone3` is said not to be there: its flags lie in memory, where seccomp does not look, and the C library goes on
/// with `clone`, whose flags are looked at. A filter of its own, since one refuses everything with the same error.
fn no_clone3() -> Result<(), Box<dyn std::error::Error>> {
    let filter = SeccompFilter::new(
        [(libc::SYS_clone3, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

/// Other calls come to nothing, as `otherwise` says.
fn seccomp(allowed: &[&[libc::c_long]], otherwise: SeccompAction) -> Result<(), Box<dyn std::error::Error>> {
    let own = u64::from(std::process::id());
    let first = |operator, value| {
        let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, operator, value)?;
        SeccompRule::new(vec![is]).map(|rule| vec![rule])
    };
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let rules = |call: &libc::c_long| {
        let rules = match *call {
            // Signals go to itself only, and limits are its own: 0 is whoever calls.
            libc::SYS_tgkill => first(SeccompCmpOp::Eq, own)?,
            libc::SYS_prlimit64 => first(SeccompCmpOp::Eq, 0)?,
            // A thread is within the limits of its process; each process would have limits of its own.
            libc::SYS_clone => first(SeccompCmpOp::MaskedEq(thread), thread)?,
            _ => Vec::new(),
        };
        Ok::<_, seccompiler::BackendError>((*call, rules))
    };
    let filter = SeccompFilter::new(
        allowed.iter().copied().flatten().map(rules).collect::<Result<_, _>>()?,
        otherwise,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_are_the_same_after_the_wire() {
        for bits in 0..=Walls::NEWEST << 3 | 7 {
            assert_eq!(Walls::of_bits(bits).bits(), bits);
        }
        assert!(Walls::of_bits(7).all() && !Walls::of_bits(5).all());
    }
}
