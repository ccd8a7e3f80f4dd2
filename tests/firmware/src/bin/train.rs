//! What a small VAE costs on a device: one step of training (forward, backward, Adam) and one sample, at batch 1, each in
//! the bytes that the library tells before. They are printed, with instructions and stack; `tests/cross/run.sh` holds them
//! against the table that `seedbed model summary --target cortex-m4` tells such costs by.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a bare-metal target: see tests/cross/run.sh");
}

#[cfg(target_os = "none")]
mod bare {
    use seedbed::exec::Serial;
    use seedbed::generate::{
        Adapters, Arch, Batch, ClassGaussians, Likelihood, Trainee, Vae, VaeSpec, VaeStep, Widths,
        latent_noise,
    };
    use seedbed::nn::{Activation, Adam, Engine, Shape};
    use seedbed::{Error, Level, Result, Scratch};
    use seedbed_firmware::{Clock, Lent, Stack, code_len, exit, say, say_number};

    /// All that is lent; the program says how much of it is taken.
    static LENT: Lent<{ 160 << 10 }> = Lent::new();
    const STEPS: u64 = 4;
    /// Scratch memory begins on multiples of so many bytes.
    const ALIGN: usize = seedbed::scratch::ALIGN;

    /// A VAE of dense layers, 64-32-8-32-64, and one with a convolution to four channels before them.
    // A frame of its own, which the steps below need not stand on.
    #[inline(never)]
    fn vae(convolutional: bool) -> Result<Vae> {
        let widths = |widths: &[usize]| Widths::from_slice(widths).map_err(|_| Error::CapacityExceeded);
        let (channels, input): (&[usize], _) =
            if convolutional { (&[4], Shape::image(8, 8, 1)) } else { (&[], Shape::flat(64)) };
        let arch = Arch { channels: widths(channels)?, hidden: widths(&[32])?, activation: Activation::Relu };
        Vae::new(VaeSpec { input, arch, latent: 8, classes: 0, likelihood: Likelihood::Bernoulli })
    }

    fn figure(of: &str, name: &str, value: u64) {
        say(of);
        say(name);
        say(" ");
        say_number(value);
        say("\n");
    }

    /// An 8 x 8 picture: a bar that moves.
    fn picture(x: &mut [f32], step: u64) {
        for (i, x) in x.iter_mut().enumerate() {
            *x = if i as u64 % 8 == step % 8 { 1.0 } else { 0.0 };
        }
    }

    /// A step on what is told before does; on `ALIGN` bytes less it is refused.
    fn measure(name: &str, vae: &Vae, lent: &mut [u8]) -> Result<()> {
        let on = Engine { level: Level::BASE, exec: &Serial };
        let mut lent = Scratch::new(lent);
        let params = lent.take::<f32>(vae.param_len())?;
        let grads = lent.take::<f32>(vae.param_len())?;
        let moments = lent.take::<f32>(vae.moment_len())?;
        let (x, noise) = (lent.take::<f32>(vae.width())?, lent.take::<f32>(vae.spec().latent)?);
        let free = lent.take::<u8>(lent.remaining().saturating_sub(ALIGN))?;
        vae.init(1, params)?;
        moments.fill(0.0);
        figure(name, "parameters", 4 * params.len() as u64);
        figure(name, "gradients", 4 * grads.len() as u64);
        figure(name, "moments", 4 * moments.len() as u64);
        let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };

        let memory = free.get_mut(..vae.train_scratch_len(1)).ok_or(Error::ScratchTooSmall)?;
        let short = memory.len().saturating_sub(ALIGN);
        figure(name, "training-scratch", memory.len() as u64);
        let stack = Stack::start();
        let mut instructions = 0;
        for t in 1..=STEPS {
            picture(x, t);
            latent_noise(on.level, 1, t, vae.spec().latent, noise)?;
            let batch = Batch { x, labels: &[], weights: &[1.0], noise };
            let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t };
            let less = memory.get_mut(..short).ok_or(Error::ScratchTooSmall)?;
            if vae.train_step(on, &mut trainee, &batch, &step, &mut Scratch::new(less))
                != Err(Error::ScratchTooSmall)
            {
                return Err(Error::InvalidArgument);
            }
            let clock = Clock::start();
            vae.train_step(on, &mut trainee, &batch, &step, &mut Scratch::new(memory))?;
            instructions = clock.instructions();
        }
        figure(name, "training-stack", stack.used() as u64);
        figure(name, "training-instructions", instructions);

        let memory = free.get_mut(..vae.run_scratch_len(1)).ok_or(Error::ScratchTooSmall)?;
        figure(name, "sampling-scratch", memory.len() as u64);
        let prior = ClassGaussians::standard(vae.spec().latent, 1.0)?;
        let stack = Stack::start();
        let clock = Clock::start();
        vae.sample(on, trainee.params, &prior, (1, 0, &[]), x, &mut Scratch::new(memory))?;
        let instructions = clock.instructions();
        figure(name, "sampling-stack", stack.used() as u64);
        figure(name, "sampling-instructions", instructions);
        Ok(())
    }

    fn work() -> Result<()> {
        // SAFETY: `work` runs once.
        let lent = unsafe { LENT.lend() };
        figure("", "code", code_len() as u64);
        figure("", "model", size_of::<Vae>() as u64);
        measure("mlp-", &vae(false)?, lent)?;
        measure("conv-", &vae(true)?, lent)
    }

    #[unsafe(no_mangle)]
    extern "C" fn begin() -> ! {
        exit(usize::from(work().is_err()))
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        say("panic\n");
        exit(101)
    }
}
