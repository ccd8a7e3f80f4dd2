//! Bare-metal runner of the golden cases.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a bare-metal target: see tests/cross/run.sh");
}

#[cfg(target_os = "none")]
mod bare {
    use core::fmt::Write;
    use seedbed::{Level, Scratch};
    use seedbed_firmware::{Console, Lent, exit};
    use seedbed_golden::{CASES, MEMORY};

    static LENT: Lent<MEMORY> = Lent::new();

    #[unsafe(no_mangle)]
    extern "C" fn begin() -> ! {
        // SAFETY: `begin` runs once.
        let memory = unsafe { LENT.lend() };
        let level = Level::detect();
        let mut bad = 0usize;
        for case in CASES {
            if let Err(differs) = case.check(level, &mut Scratch::new(memory)) {
                bad += 1;
                let _ = writeln!(Console, "{}: {differs:x?}", case.name);
            }
        }
        let (n, name) = (CASES.len(), level.name());
        let _ = writeln!(Console, "bare-metal {name}: {} of {n} golden hashes", n - bad);
        exit(usize::from(bad > 0))
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        let _ = writeln!(Console, "{info}");
        exit(101)
    }
}
